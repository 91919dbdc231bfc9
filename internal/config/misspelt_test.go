package config

import "testing"

func TestMisspeltNamesHaveTheNearest(t *testing.T) {
	environ := []string{
		"TRAINSET_CONCURENCY=1", "TRAINSETT_OUT=x", "TRAINSET_S3_PREFIX=ours", "MAX_COST_PER_USER_DAY=1", "MAX_COSTS_PER_USER_PER_DAY=1",
		"AWS_PROFILE=sdk", "AWS_ENDPOINT_URL=sdk", "REDIS_URI=others", "HOME=/", "TRAINSET_OUT=out",
	}
	got := map[string]string{}
	for _, f := range Misspelt(environ, dotenv(t, "TRAINSET_JUGDE=local\n")) {
		got[f.Field] = f.Remedy
	}
	want := map[string]string{
		"TRAINSET_CONCURENCY": "TRAINSET_CONCURRENCY", "TRAINSETT_OUT": "TRAINSET_OUT", "MAX_COST_PER_USER_DAY": "MAX_COST_PER_USER_PER_DAY",
		"MAX_COSTS_PER_USER_PER_DAY": "MAX_COST_PER_USER_PER_DAY", "TRAINSET_JUGDE": "TRAINSET_JUDGE",
	}
	for name, nearest := range want {
		if got[name] != "did you mean "+nearest+"? docs/configuration.md lists all" {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
}

func TestKnownNamesAreNotMisspelt(t *testing.T) {
	for _, v := range Variables() {
		if meant(v.Name, Variables()) != "" {
			t.Errorf("%s is taken for %s", v.Name, meant(v.Name, Variables()))
		}
	}
}

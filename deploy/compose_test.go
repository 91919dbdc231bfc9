package deploy_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/actormaker/trainset/internal/config"
)

// compose loads docker-compose.yml as docker compose does, in a folder of its
// own: a developer's .env must not decide what these tests see.
func compose(t *testing.T, text string, shell types.Mapping, profiles ...string) *types.Project {
	t.Helper()
	folder := t.TempDir()
	if text != "" {
		if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  folder,
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: []byte(read(t, "docker-compose.yml"))}},
		Environment: interpolated(t, text, shell),
	}, func(o *loader.Options) { o.Profiles = profiles })
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// interpolated is where docker compose looks variables up: in the shell, and
// then in .env.
func interpolated(t *testing.T, text string, shell types.Mapping) types.Mapping {
	t.Helper()
	all, err := dotenv.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(all, shell)
	return all
}

// variables are the environment that a service's process finds.
func variables(s types.ServiceConfig) []string {
	var environ []string
	for name, value := range s.Environment {
		if value != nil {
			environ = append(environ, name+"="+*value)
		}
	}
	return environ
}

func TestProfilesChooseTheWorker(t *testing.T) {
	stores := []string{"bucket", "redis", "s3"}
	for _, tc := range []struct {
		profiles []string
		want     []string
	}{
		{nil, stores},
		{[]string{"simulated"}, append(slices.Clone(stores), "worker-simulated")},
		{[]string{"real"}, append(slices.Clone(stores), "worker")},
		{[]string{"tools"}, []string{"bucket", "enqueue", "redis", "s3"}},
	} {
		got := slices.Sorted(maps.Keys(compose(t, "", nil, tc.profiles...).Services))
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%v: %s", tc.profiles, diff)
		}
	}
}

func TestSimulatedWorkerNeedsNothingSet(t *testing.T) {
	const mine = "REPLICATE_API_TOKEN=r8_mine\nAWS_ACCESS_KEY=mine\nAWS_USER_FILES_BUCKET=mine\nTRAINSET_SIMULATE=false\nREDIS_URL=redis://elsewhere\n"
	for name, text := range map[string]string{"no .env": "", "a .env for real use": mine} {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.LoadWorker(variables(compose(t, text, nil, "simulated").Services["worker-simulated"]), "")
			if err != nil {
				t.Fatal(err)
			}
			if !cfg.Provider.Simulate || cfg.Provider.Token.IsSet() {
				t.Error("it could spend money")
			}
			wantPlaces(t, cfg)
		})
	}
}

// wantPlaces checks that everything the process reaches is the project's own.
func wantPlaces(t *testing.T, cfg config.Config) {
	t.Helper()
	access, secret := cfg.Storage.Keys()
	got := map[string]string{
		"redis": cfg.Redis.URL.Reveal(), "bucket": cfg.Storage.Bucket, "s3": cfg.Storage.Endpoint, "access": access, "secret": secret,
	}
	want := map[string]string{
		"redis": "redis://redis:6379/0", "bucket": "trainset", "s3": "http://s3:7070", "access": "trainset-local", "secret": "trainset-local-secret",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !cfg.Storage.UsePathStyle() {
		t.Error("the bucket would be looked for under a host name of its own")
	}
}

func TestRealWorkerTakesTokensFromShellAndFile(t *testing.T) {
	const file = "REPLICATE_API_TOKEN=r8_file\nTRAINSET_HTTP_TOKEN=sixteen-or-more-w\nMAX_COST_PER_USER_PER_DAY=3\n"
	for name, tc := range map[string]struct {
		shell types.Mapping
		want  string
	}{
		"file":  {nil, "r8_file"},
		"shell": {types.Mapping{"REPLICATE_API_TOKEN": "r8_shell"}, "r8_shell"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.LoadWorker(variables(compose(t, file, tc.shell, "real").Services["worker"]), "")
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Provider.Token.Reveal() != tc.want || cfg.HTTP.AccessToken.Reveal() != "sixteen-or-more-w" || cfg.Money.PerUserDay == 0 {
				t.Errorf("token %q, HTTP token %q, cap %s", cfg.Provider.Token.Reveal(), cfg.HTTP.AccessToken.Reveal(), cfg.Money.PerUserDay)
			}
			if cfg.Provider.Simulate {
				t.Error("it makes simulated pictures")
			}
			wantPlaces(t, cfg)
		})
	}
}

// The dashboard of the real worker is beyond the container's loopback.
func TestRealWorkerWithoutHTTPTokenIsRefused(t *testing.T) {
	_, err := config.LoadWorker(variables(compose(t, "", nil, "real").Services["worker"]), "")
	if err == nil || !strings.Contains(err.Error(), "TRAINSET_HTTP_TOKEN") {
		t.Errorf("got %v; want the token asked for", err)
	}
}

func TestNoPortIsPublishedBeyondLoopback(t *testing.T) {
	published := 0
	for name, service := range everyService(t) {
		for _, port := range service.Ports {
			published++
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s at %q", name, port.Published, port.HostIP)
			}
		}
		if service.NetworkMode == "host" {
			t.Errorf("%s has the host's network", name)
		}
	}
	if published < 4 {
		t.Errorf("only %d ports were seen", published)
	}
}

func everyService(t *testing.T) types.Services {
	t.Helper()
	services := compose(t, "", nil, "*").Services
	if len(services) != 6 {
		t.Fatalf("got %d services", len(services))
	}
	return services
}

func TestImagesAreExact(t *testing.T) {
	for name, service := range everyService(t) {
		_, tag, tagged := strings.Cut(service.Image, ":")
		if !tagged || tag == "latest" || !strings.ContainsAny(tag, "0123456789") && service.Build == nil {
			t.Errorf("%s runs %q", name, service.Image)
		}
	}
}

func TestOurContainersHaveNoRights(t *testing.T) {
	for _, name := range []string{"worker", "worker-simulated", "enqueue"} {
		service := everyService(t)[name]
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || service.Privileged || service.User != "" ||
			!slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may do more than it needs", name)
		}
		if service.Build == nil || service.Build.Dockerfile != "deploy/Dockerfile" {
			t.Errorf("%s is built from %+v", name, service.Build)
		}
		if service.DependsOn["redis"].Condition != "service_healthy" || service.DependsOn["s3"].Condition != "service_healthy" {
			t.Errorf("%s does not wait for its stores", name)
		}
	}
}

// What serves is asked whether it is ready, by what is in the image.
func TestWorkersAreAskedWhetherTheyAreReady(t *testing.T) {
	services := everyService(t)
	for _, name := range []string{"worker", "worker-simulated"} {
		check := services[name].HealthCheck
		if check == nil || !slices.Equal(check.Test, types.HealthCheckTest{"CMD", "/usr/local/bin/worker", "health", "--ready"}) || check.Timeout == nil || check.StartPeriod == nil {
			t.Errorf("%s: %+v", name, check)
		}
	}
	if check := services["enqueue"].HealthCheck; check == nil || !check.Disable {
		t.Errorf("enqueue has the worker's: %+v", check)
	}
}

// A named volume that is not declared, or data without one, is lost with its
// container.
func TestDataIsOnVolumes(t *testing.T) {
	services := everyService(t)
	for name, target := range map[string]string{"redis": "/data", "s3": "/objects", "bucket": "/objects", "worker": "/data"} {
		if !slices.ContainsFunc(services[name].Volumes, func(v types.ServiceVolumeConfig) bool {
			return v.Type == types.VolumeTypeVolume && v.Source != "" && v.Target == target
		}) {
			t.Errorf("%s has no volume at %s", name, target)
		}
	}
}

func TestBindsExist(t *testing.T) {
	binds := 0
	for name, service := range everyService(t) {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			binds++
			if _, err := os.Stat(filepath.Join(root, filepath.Base(volume.Source))); err != nil || !volume.ReadOnly {
				t.Errorf("%s binds %s, read-only %t: %v", name, volume.Source, volume.ReadOnly, err)
			}
		}
	}
	if binds == 0 {
		t.Error("no bind was seen")
	}
}

// The loader itself must notice mistakes, or none of this means anything.
func TestMistakesAreNoticed(t *testing.T) {
	text := []byte(read(t, "docker-compose.yml"))
	for _, change := range [][2]string{
		{"condition: service_healthy", "condition: service_well"},
		{"    healthcheck:", "    healtcheck:"},
		{"volumes: [\"redis:/data\"]", "volumes: [\"rediss:/data\"]"},
	} {
		broken := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(broken, text) {
			t.Fatalf("%q is not in the file", change[0])
		}
		_, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
			WorkingDir: t.TempDir(), ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: broken}},
			Environment: types.Mapping{},
		}, func(o *loader.Options) { o.Profiles = []string{"*"} })
		if err == nil {
			t.Errorf("%q was accepted", change[1])
		}
	}
}

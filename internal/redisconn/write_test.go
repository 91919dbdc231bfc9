package redisconn

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/redistest"
)

func TestServersThatTakeNoWrites(t *testing.T) {
	for name, c := range map[string]struct{ setting, value, problem string }{
		"full":             {"maxmemory", "1", "is full"},
		"too few replicas": {"min-replicas-to-write", "1", "fewer replicas"},
	} {
		t.Run(name, func(t *testing.T) {
			rdb, ctx := redistest.Server(t), t.Context()
			if err := Writable(ctx, rdb); err != nil {
				t.Fatal(err)
			}
			if err := rdb.ConfigSet(ctx, c.setting, c.value).Err(); err != nil {
				t.Fatal(err)
			}
			wantRemedy(t, Writable(ctx, rdb), c.problem)
			r, err := Check(ctx, rdb)
			if err != nil {
				t.Fatal(err)
			}
			if f := finding(t, r, "writes"); f.State != Fail || !strings.Contains(f.Detail, c.problem) || f.Remedy == "" {
				t.Errorf("got %+v", f)
			}
			for what, err := range map[string]error{
				"command":     rdb.Set(ctx, "k", "v", 0).Err(),
				"script":      redis.NewScript(`redis.call('SET', KEYS[1], 'v') return 1`).Run(ctx, rdb, []string{"k"}).Err(),
				"transaction": inTransaction(t, rdb),
			} {
				if advised := Advise(err); err == nil || !errors.Is(advised, err) || !strings.Contains(advised.Error(), "the server at REDIS_URL") {
					t.Errorf("%s: %v", what, advised)
				}
			}
		})
	}
}

func inTransaction(t *testing.T, rdb *redis.Client) error {
	t.Helper()
	_, err := rdb.TxPipelined(t.Context(), func(p redis.Pipeliner) error { return p.Set(t.Context(), "k", "v", 0).Err() })
	return err
}

func wantRemedy(t *testing.T, err error, problem string) {
	t.Helper()
	field, ok := errors.AsType[*trainset.FieldError](err)
	if !ok || field.Field != "REDIS_URL" || !strings.Contains(field.Problem, problem) || field.Remedy == "" {
		t.Errorf("%v does not say that it %s", err, problem)
	}
}

func TestAReplicaIsNotWritable(t *testing.T) {
	host, port, _ := strings.Cut(redistest.Start(t).Addr, ":")
	wantRemedy(t, Writable(t.Context(), redistest.Start(t, "replicaof "+host+" "+port).Client(t)), "read-only replica")
}

// One node that is full is enough: a part of the jobs is there.
func TestEachNodeOfAClusterIsWritten(t *testing.T) {
	rdb, ctx := redistest.ClusterClient(t), t.Context()
	if err := Writable(ctx, rdb); err != nil {
		t.Fatal(err)
	}
	one := redis.NewClient(&redis.Options{Addr: rdb.Options().Addrs[2]})
	defer one.Close() //nolint:errcheck // the test ends
	if err := one.ConfigSet(ctx, "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	wantRemedy(t, Writable(ctx, rdb), "is full")
	r, err := Check(ctx, rdb)
	if err != nil {
		t.Fatal(err)
	}
	if f := finding(t, r, "writes"); f.State != Fail || !strings.HasPrefix(f.Detail, one.Options().Addr) {
		t.Errorf("got %+v", f)
	}
}

func TestOtherErrorsNeedNoAdvice(t *testing.T) {
	if other := errors.New("no such job"); Advise(nil) != nil || Advise(other) != other { //nolint:errorlint // the very same
		t.Errorf("%v", Advise(other))
	}
}

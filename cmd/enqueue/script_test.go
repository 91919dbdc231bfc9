package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"

	"github.com/actormaker/trainset/internal/app"
	"github.com/actormaker/trainset/internal/redistest"
	"github.com/actormaker/trainset/internal/replicate/fake"
	"github.com/actormaker/trainset/internal/storage"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"enqueue": main})
}

// The scripts run the command as people do. Beside testscript's own commands
// they have:
//
//	exits CODE COMMAND...   runs a command that must exit with the code
//	provider [FAULT...]     starts a simulated provider, which fails as told, and points the system at it
//	system [FAULT...]       starts a deployed system with such a provider: a Redis, at which REDIS_URL points, and a
//	                        worker, whose storage is the folder workers, that the command does not know of
//	nokey PATTERN           the system's Redis has no key that matches
//	bucket                  starts an S3 server and points the command and the next system at a bucket of it
//	asked N                 waits until the provider was asked to make N predictions
//	save NAME PATH          sets a variable to the value at the path of the last output
//	until COMMAND...        repeats a command until it succeeds
//	predictions N           the provider was asked to make N predictions
//	json PATH VALUE         the last output is one JSON value, and has the value at the path
//	none PATTERN...         no file matches
//	resolves PAGE           every relative link of a page leads to a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: portraits,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "provider": provider, "system": deploy, "nokey": noKey, "bucket": bucket, "predictions": predictions, "asked": asked,
			"json": jsonValue, "save": save, "until": repeat, "none": none, "resolves": resolves,
		},
	})
}

// portraits puts good and bad pictures into a script's folder.
func portraits(e *testscript.Env) error {
	good, err := os.ReadFile(filepath.Join("..", "..", "examples", "portrait.png"))
	if err != nil {
		return fmt.Errorf("reading the example: %w", err)
	}
	style, err := os.ReadFile(filepath.Join("..", "..", "examples", "style.png"))
	if err != nil {
		return fmt.Errorf("reading the example: %w", err)
	}
	files := map[string][]byte{
		"portrait.png": good, "style.png": style, "other.png": drawn(300, 400), "truncated.png": good[:len(good)/2], "empty.png": nil,
		"text.png": []byte("no picture at all, but long enough to look for one in it"),
		"tiny.png": drawn(255, 400), "huge.png": claiming(9000, 9000), "animated.gif": animation(),
		"photo.heic": append([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), make([]byte, 400)...),
		"large.png":  append(slices.Clone(good), make([]byte, 11<<20)...),
		"heavy.png":  append(slices.Clone(good), make([]byte, 31<<20)...),
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(e.WorkDir, name), data, 0o600); err != nil {
			return fmt.Errorf("writing a picture: %w", err)
		}
	}
	e.Setenv("TRAINSET_OUT", filepath.Join(e.WorkDir, "out"))
	e.Setenv("GORACE", os.Getenv("GORACE"))
	return nil
}

func drawn(w, h int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 7)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// claiming is a PNG whose header claims a size that nobody should allocate.
func claiming(w, h int) []byte {
	head := slices.Clone(drawn(1, 1))
	binary.BigEndian.PutUint32(head[16:], uint32(w))
	binary.BigEndian.PutUint32(head[20:], uint32(h))
	binary.BigEndian.PutUint32(head[29:], crc32.ChecksumIEEE(head[12:29]))
	return head
}

func animation() []byte {
	frame := image.NewPaletted(image.Rect(0, 0, 300, 300), color.Palette{color.Black, color.White})
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{10, 10}}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

// current holds each script's *fake.Server by the script's name.
var current sync.Map

// provider takes faults as JSON objects.
func provider(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("REPLICATE_BASE_URL", provide(ts, args))
	ts.Setenv("REPLICATE_API_TOKEN", tokenOfTest)
}

const tokenOfTest = "r8_secret_of_the_test"

// provide starts a simulated provider and returns its address.
func provide(ts *testscript.TestScript, faults []string) string {
	o := fake.Options{Token: tokenOfTest, PreEncoded: true, Plain: true, Settings: fake.Settings{Latency: fake.Latency{Fixed: 50 * time.Millisecond}}}
	for _, arg := range faults {
		var f fake.Fault
		ts.Check(json.Unmarshal([]byte(arg), &f))
		o.Faults = append(o.Faults, f)
	}
	s := fake.New(o)
	server := httptest.NewServer(s)
	ts.Defer(func() { server.Close(); _ = s.Close() })
	current.Store(ts.Name(), s)
	return server.URL + "/v1"
}

// deploy starts a Redis, and a worker that shares nothing else with the command.
func deploy(ts *testscript.TestScript, _ bool, faults []string) {
	m := miniredis.NewMiniRedis()
	ts.Check(m.Start())
	ended := make(chan struct{})
	go redistest.Tick(m, ended)
	ts.Defer(func() { close(ended); m.Close() })
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	ts.Defer(func() { _ = rdb.Close() })
	w, err := app.NewWorker(rdb, storeOfWorkers(ts), app.Options{
		Token: tokenOfTest, BaseURL: provide(ts, faults), PerMinute: 6000, Version: "test", Log: zerolog.Nop(),
	})
	ts.Check(err)
	ts.Check(w.Start())
	ts.Defer(w.Stop)
	ts.Setenv("REDIS_URL", "redis://"+m.Addr()+"/0")
}

func noKey(ts *testscript.TestScript, _ bool, args []string) {
	o, err := redis.ParseURL(ts.Getenv("REDIS_URL"))
	ts.Check(err)
	rdb := redis.NewClient(o)
	defer rdb.Close() //nolint:errcheck // it was only read from
	found, err := rdb.Keys(context.Background(), args[0]).Result()
	ts.Check(err)
	if len(found) > 0 {
		ts.Fatalf("left in Redis: %v", found)
	}
}

const bucketOfTest = "data-sets"

func bucket(ts *testscript.TestScript, _ bool, _ []string) {
	backend := s3mem.New()
	ts.Check(backend.CreateBucket(bucketOfTest))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	ts.Defer(server.Close)
	ts.Setenv("AWS_USER_FILES_BUCKET", bucketOfTest)
	ts.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	ts.Setenv("AWS_REGION", "us-east-1")
	ts.Setenv("AWS_ACCESS_KEY", "key")
	ts.Setenv("AWS_ACCESS_SECRET", "secret")
}

func storeOfWorkers(ts *testscript.TestScript) storage.Store {
	if ts.Getenv("AWS_USER_FILES_BUCKET") == "" {
		return storage.NewDirectory(ts.MkAbs("workers"))
	}
	s, err := storage.NewS3(context.Background(), storage.S3Options{
		Bucket: bucketOfTest, Endpoint: ts.Getenv("AWS_ENDPOINT_URL_S3"), AccessKey: "key", SecretKey: "secret", PathStyle: true,
	})
	ts.Check(err)
	return s
}

func made(ts *testscript.TestScript) int {
	s, ok := current.Load(ts.Name())
	if !ok {
		ts.Fatalf("no provider was started")
	}
	server, _ := s.(*fake.Server)
	return server.Stats().Predictions
}

func asked(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	await(ts, "being asked for "+args[0]+" predictions", func() bool { return made(ts) >= n })
}

func await(ts *testscript.TestScript, what string, happened func() bool) {
	for start := time.Now(); !happened(); <-time.After(5 * time.Millisecond) {
		if time.Since(start) > 4*time.Minute {
			ts.Fatalf("%s: not within four minutes", what)
		}
	}
}

func repeat(ts *testscript.TestScript, _ bool, args []string) {
	await(ts, strings.Join(args, " "), func() bool { return ts.Exec(args[0], args[1:]...) == nil })
}

func predictions(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(made(ts)); got != args[0] {
		ts.Fatalf("the provider was asked for %s predictions, not %s", got, args[0])
	}
}

func jsonValue(ts *testscript.TestScript, _ bool, args []string) {
	if got := valueAt(ts, args[0]); got != args[1] {
		ts.Fatalf("%s is %s, not %s", args[0], got, args[1])
	}
}

func save(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], valueAt(ts, args[1]))
}

// valueAt looks into the last output, which is one JSON value.
func valueAt(ts *testscript.TestScript, path string) string {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var v any
	ts.Check(d.Decode(&v))
	if d.More() {
		ts.Fatalf("there is more than one JSON value")
	}
	for _, field := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[field]
		case []any:
			i, err := strconv.Atoi(field)
			ts.Check(err)
			v = at[i]
		default:
			ts.Fatalf("%v has no %s", v, field)
		}
	}
	return fmt.Sprint(v)
}

var hrefs = regexp.MustCompile(` (?:href|src)="([^"#:]+)"`)

func resolves(ts *testscript.TestScript, _ bool, args []string) {
	found := hrefs.FindAllStringSubmatch(ts.ReadFile(args[0]), -1)
	if len(found) == 0 {
		ts.Fatalf("%s has no links", args[0])
	}
	for _, m := range found {
		if info, err := os.Stat(filepath.Join(filepath.Dir(ts.MkAbs(args[0])), m[1])); err != nil || info.IsDir() {
			ts.Fatalf("the link %s leads nowhere: %v", m[1], err)
		}
	}
}

func none(ts *testscript.TestScript, _ bool, args []string) {
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(found) > 0 {
			ts.Fatalf("left behind: %v", found)
		}
	}
}

// Package config turns the environment and a .env file into one validated
// struct that may be printed: its secrets never show.
//
// It knows the names, defaults and bounds of the settings and nothing of what
// they configure: it opens no connection, creates no directory, and imports
// nothing of ours but the root package.
package config

// Config is every setting of both commands. Each variable is described once,
// by its field's tags: env and envDefault are read by the loader, doc and
// allow by the documentation and by the remedies of errors.
type Config struct {
	Provider          Provider
	Redis             Redis
	Storage           Storage
	Log               Log
	Concurrency       int    `env:"TRAINSET_CONCURRENCY" envDefault:"300" doc:"subtasks a worker has in hand at once; one that waits for the provider costs a goroutine" allow:"a whole number from 1 to 10000"`
	DebugDir          string `env:"TRAINSET_DEBUG_DIR" doc:"directory for requests (token and image redacted), raw outputs and rejected images; none are kept when unset" allow:"a path"`
	AllowPrivateHosts bool   `env:"ALLOW_PRIVATE_HOSTS" envDefault:"false" doc:"fetch references and outputs from loopback, private and link-local addresses too, and send the token there without TLS; for tests and closed networks" allow:"true or false"`
}

// Provider is how to reach the image provider and how hard to press it.
type Provider struct {
	Token       Secret `env:"REPLICATE_API_TOKEN" doc:"Replicate's API token; with it real images are made and paid for" allow:"a token from https://replicate.com/account/api-tokens"`
	BaseURL     string `env:"REPLICATE_BASE_URL" doc:"the provider's API with its version; Replicate's own when unset" allow:"an https URL such as https://api.replicate.com/v1 (http on loopback, or with ALLOW_PRIVATE_HOSTS=true)"`
	PerMinute   int    `env:"TRAINSET_RATE_PER_MINUTE" envDefault:"600" doc:"predictions created a minute and account, by all workers together; learnt down when the provider throttles" allow:"a whole number from 1 to 60000"`
	Model       string `env:"TRAINSET_MODEL" doc:"model of requests that name none; the default of the job's kind when unset" allow:"a model as owner/name"`
	MaxAttempts int    `env:"TRAINSET_MAX_ATTEMPTS" envDefault:"5" doc:"paid tries at one image before it is given up" allow:"a whole number from 1 to 20"`
}

// Redis is where the queue and the ledger are.
type Redis struct {
	URL Secret `env:"REDIS_URL" doc:"Redis of the deployed system; when unset, enqueue runs the whole system in its own process" allow:"redis://HOST:6379/0, rediss:// with TLS, or unix:///path/to/socket"`
}

// Storage is where data sets go.
type Storage struct {
	Out string `env:"TRAINSET_OUT" envDefault:"out" doc:"root directory of the stored data sets" allow:"a path"`
}

// Log is what is written to standard error, and how.
type Log struct {
	Level  string `env:"LOG_LEVEL" envDefault:"warn" doc:"least severe messages that are written" allow:"trace, debug, info, warn or error"`
	Format string `env:"LOG_FORMAT" envDefault:"console" doc:"form of the messages" allow:"console or json"`
}

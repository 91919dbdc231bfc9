// Package config turns the environment and a .env file into one validated
// struct that may be printed: its secrets never show.
//
// It knows the names, defaults and bounds of the settings and nothing of what
// they configure: it opens no connection, creates no directory, and imports
// nothing of ours but the root package.
package config

import "github.com/actormaker/trainset"

// Config is every setting of both commands. Each variable is described once,
// by its field's tags: env and envDefault are read by the loader, doc and
// allow by the documentation and by the remedies of errors. The tag worker is
// the default of worker run where it has another; empty says what an empty
// value means where it does not mean unset.
type Config struct {
	Provider          Provider
	Redis             Redis
	Storage           Storage
	HTTP              HTTP
	Money             Money
	Judge             Judge
	Log               Log
	Concurrency       int    `env:"TRAINSET_CONCURRENCY" envDefault:"600" doc:"subtasks a worker has in hand at once; one that waits for the provider costs a goroutine. Four times as many are taken over from workers that died" allow:"a whole number from 1 to 10000"`
	DebugDir          string `env:"TRAINSET_DEBUG_DIR" doc:"directory for requests (token and image redacted), raw outputs and rejected images; none are kept when unset" allow:"a path"`
	AllowPrivateHosts bool   `env:"ALLOW_PRIVATE_HOSTS" envDefault:"false" doc:"fetch references and outputs from loopback, private and link-local addresses too, and send the token there without TLS; for tests and closed networks" allow:"true or false"`
}

// Provider is how to reach the image provider and how hard to press it.
type Provider struct {
	Token       Secret `env:"REPLICATE_API_TOKEN" doc:"Replicate's API token; with it real images are made and paid for" allow:"a token from https://replicate.com/account/api-tokens"`
	BaseURL     string `env:"REPLICATE_BASE_URL" doc:"the provider's API with its version; Replicate's own when unset" allow:"an https URL such as https://api.replicate.com/v1 (http on loopback, or with ALLOW_PRIVATE_HOSTS=true)"`
	PerMinute   int    `env:"TRAINSET_RATE_PER_MINUTE" envDefault:"600" doc:"predictions created a minute and account, by all workers together; learnt down when the provider throttles" allow:"a whole number from 1 to 60000"`
	Model       string `env:"TRAINSET_MODEL" doc:"model of requests that name none; the default of the job's kind when unset" allow:"a model as owner/name"`
	Simulate    bool   `env:"TRAINSET_SIMULATE" envDefault:"false" doc:"worker run makes simulated pictures with a provider of its own, which costs nothing and needs no token" allow:"true or false"`
	MaxAttempts int    `env:"TRAINSET_MAX_ATTEMPTS" envDefault:"5" doc:"paid tries at one image before it is given up" allow:"a whole number from 1 to 20"`
}

// Redis is where the queue and the ledger are.
type Redis struct {
	URL Secret `env:"REDIS_URL" doc:"Redis of the deployed system; when unset, enqueue runs the whole system in its own process" allow:"redis://HOST:6379/0, rediss:// with TLS, unix:///path/to/socket, redis-sentinel:// or redis-cluster://; docs/redis.md has the forms"`
}

// Storage is where data sets go: a bucket when one is set, else a directory.
// The keys' two pairs of names are read by Keys.
type Storage struct {
	Out           string `env:"TRAINSET_OUT" envDefault:"out" doc:"root directory of the stored data sets; with a bucket, only of what a command keeps for itself" allow:"a path"`
	Bucket        string `env:"AWS_USER_FILES_BUCKET" doc:"S3 bucket of the stored data sets; setting it is what chooses S3 over the directory" allow:"the bucket's name, without s3:// and without a folder"`
	Prefix        string `env:"TRAINSET_S3_PREFIX" doc:"folder of the bucket that everything goes below" allow:"names separated by single slashes, such as trainset/prod"`
	Region        string `env:"AWS_REGION" doc:"the bucket's region" allow:"a region such as eu-central-1"`
	DefaultRegion string `env:"AWS_DEFAULT_REGION" doc:"the bucket's region when AWS_REGION is unset" allow:"a region such as eu-central-1"`
	Endpoint      string `env:"AWS_ENDPOINT_URL_S3" doc:"address of an S3 server that is not Amazon's" allow:"an http or https URL of a server, such as http://127.0.0.1:7070"`
	PathStyle     *bool  `env:"TRAINSET_S3_PATH_STYLE" doc:"name the bucket in the path and not in the host's name; true when AWS_ENDPOINT_URL_S3 is set, else false" allow:"true or false"`
	AccessKey     Secret `env:"AWS_ACCESS_KEY" doc:"access key of the bucket, with AWS_ACCESS_SECRET; this pair goes before the next" allow:"the access key that belongs to AWS_ACCESS_SECRET, or neither"`
	AccessSecret  Secret `env:"AWS_ACCESS_SECRET" doc:"secret of AWS_ACCESS_KEY" allow:"the secret that belongs to AWS_ACCESS_KEY, or neither"`
	KeyID         Secret `env:"AWS_ACCESS_KEY_ID" doc:"access key under the SDK's own name, with AWS_SECRET_ACCESS_KEY" allow:"the access key that belongs to AWS_SECRET_ACCESS_KEY, or neither"`
	KeySecret     Secret `env:"AWS_SECRET_ACCESS_KEY" doc:"secret of AWS_ACCESS_KEY_ID" allow:"the secret that belongs to AWS_ACCESS_KEY_ID, or neither"`
	SessionToken  Secret `env:"AWS_SESSION_TOKEN" doc:"third part of temporary credentials; when it is set, the SDK reads it and AWS_ACCESS_KEY_ID with its secret from the environment itself" allow:"the token that belongs to AWS_ACCESS_KEY_ID"`
}

// HTTP is the worker's server: health, metrics, dashboard, webhooks.
type HTTP struct {
	Listen         string `env:"TRAINSET_HTTP_LISTEN" worker:"127.0.0.1:8080" empty:"empty for no server" doc:"address at which worker run serves HTTP" allow:"HOST:PORT, or nothing for no server"`
	AccessToken    Secret `env:"TRAINSET_HTTP_TOKEN" doc:"token that the worker's server asks for; needed when it listens beyond loopback" allow:"at least 16 characters at random, such as openssl rand -hex 32 prints"`
	DashboardWrite bool   `env:"TRAINSET_DASHBOARD_WRITE" envDefault:"false" doc:"the dashboard may change queues and tasks, not only show them" allow:"true or false"`
	PublicURL      string `env:"PUBLIC_URL" doc:"address from which the provider reaches the worker's server with its webhooks; without it predictions are polled" allow:"an https URL such as https://trainset.example.com (http with ALLOW_PRIVATE_HOSTS=true, or on loopback when the provider is there too)"`
}

// Money is what users may spend and have under way.
type Money struct {
	PerUserDay  trainset.Money `env:"MAX_COST_PER_USER_PER_DAY" doc:"most that one user's jobs may spend in a day, in US dollars; unlimited when unset" allow:"an amount above zero, like 25 or 1.50"`
	MaxOpenJobs int            `env:"TRAINSET_MAX_OPEN_JOBS_PER_USER" envDefault:"40" doc:"jobs of one user that run at once; more wait their turn, and 0 is no bound" allow:"a whole number from 0 to 100000"`
}

// Judge is who looks at the generated grids of style jobs.
type Judge struct {
	Kind          string         `env:"TRAINSET_JUDGE" envDefault:"replicate" doc:"who judges grids where a request does not say: a vision model of the provider, one behind OpenAI's API, or measures of the pixels alone" allow:"replicate, openai or local"`
	JudgeModel    string         `env:"TRAINSET_JUDGE_MODEL" doc:"the model that judges; the judge's default when unset" allow:"a model's name as its provider writes it, such as owner/name or gpt-4o"`
	Price         trainset.Money `env:"TRAINSET_JUDGE_PRICE" doc:"most that one judgement, of a grid and an example, costs in US dollars, by a model behind OpenAI's API whose price this program does not know; such models are refused when unset" allow:"an amount above zero, like 0.02"`
	OpenAIKey     Secret         `env:"OPENAI_API_KEY" doc:"key of OpenAI's API, for TRAINSET_JUDGE=openai" allow:"a key of the API, needed with TRAINSET_JUDGE=openai unless OPENAI_BASE_URL is set"`
	OpenAIBaseURL string         `env:"OPENAI_BASE_URL" doc:"a server that speaks OpenAI's API; OpenAI's own when unset" allow:"an https URL such as https://api.openai.com/v1 (http on loopback, or with ALLOW_PRIVATE_HOSTS=true)"`

	Given bool // whether Kind was said, be it what is meant without
}

// ReachesOpenAI reports whether there is anybody to ask behind OpenAI's API.
func (o Judge) ReachesOpenAI() bool { return o.OpenAIKey.IsSet() || o.OpenAIBaseURL != "" }

// Log is what is written to standard error, and how.
type Log struct {
	Level  string `env:"LOG_LEVEL" envDefault:"warn" worker:"info" doc:"least severe messages that are written" allow:"trace, debug, info, warn or error"`
	Format string `env:"LOG_FORMAT" envDefault:"console" doc:"form of the messages" allow:"console or json"`
}

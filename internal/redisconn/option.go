package redisconn

import (
	"regexp"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

var printable = regexp.MustCompile(`^[!-~]+$`)

// settings reads the options that are not about TLS.
func (p *parts) settings(o *redis.UniversalOptions) error {
	if s, ok := p.take("pool_size"); ok {
		n, err := strconv.Atoi(s)
		if err != nil || n < 2 || n > 10_000 {
			return invalid("has a pool_size that is no number from 2 to 10000", "leave it out, or give a number")
		}
		o.PoolSize, o.MaxIdleConns = n, min(o.MaxIdleConns, n)
	}
	if s, ok := p.take("client_name"); ok {
		if !printable.MatchString(s) {
			return invalid("has a client_name with more than visible characters", "use letters, digits and signs, no spaces")
		}
		o.ClientName = s
	}
	if err := p.duration("dial_timeout", &o.DialTimeout); err != nil {
		return err
	}
	if err := p.duration("read_timeout", &o.ReadTimeout); err != nil {
		return err
	}
	o.WriteTimeout = o.ReadTimeout
	if p.kind == sentinels {
		o.SentinelUsername, _ = p.take("sentinel_username")
		o.SentinelPassword, _ = p.take("sentinel_password")
		if o.SentinelUsername != "" && o.SentinelPassword == "" {
			return invalid("has a sentinel_username without a sentinel_password", "give both, or the password alone")
		}
	}
	return nil
}

func (p *parts) duration(name string, into *time.Duration) error {
	s, ok := p.take(name)
	if !ok {
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 10*time.Millisecond || d > 5*time.Minute {
		return invalid("has a "+name+" that is no duration from 10ms to 5m", "write it like "+name+"=3s")
	}
	*into = d
	return nil
}

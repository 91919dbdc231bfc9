package redisconn

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/actormaker/trainset"
)

// kind is what a URL leads to.
type kind int

const (
	server kind = iota
	socket
	sentinels
	cluster
)

// form is what a scheme says.
type form struct {
	kind kind
	tls  bool
	port string // of a host that names none
}

var forms = map[string]form{
	"redis":           {server, false, "6379"},
	"rediss":          {server, true, "6379"},
	"unix":            {socket, false, ""},
	"redis-sentinel":  {sentinels, false, "26379"},
	"rediss-sentinel": {sentinels, true, "26379"},
	"redis-cluster":   {cluster, false, "6379"},
	"rediss-cluster":  {cluster, true, "6379"},
}

// What to do about common problems.
const (
	writeIt = "write it like redis://localhost:6379/0; docs/redis.md lists the forms for TLS, sockets, Sentinel and Cluster"
	encode  = "in a user name or password write / as %2F, ? as %3F, # as %23, @ as %40 and % as %25"
)

// invalid never quotes: any part of the URL may be a password.
func invalid(problem, remedy string) error { return trainset.Invalid("REDIS_URL", problem, remedy) }

// Parse reads a URL and the files that it names. Every error is, or joins, a
// *trainset.FieldError of REDIS_URL, and shows nothing of the URL.
func Parse(raw string) (*redis.UniversalOptions, error) {
	p, err := split(raw)
	if err != nil {
		return nil, err
	}
	o := defaults()
	for _, read := range []func(*redis.UniversalOptions) error{p.credentials, p.addresses, p.place, p.settings, p.security} {
		if err := read(o); err != nil {
			return nil, err
		}
	}
	if len(p.options) > 0 {
		return nil, invalid("has an option that is not known here", "docs/redis.md lists the options; "+encode)
	}
	return o, nil
}

// Valid is Parse for who only asks whether a URL can be read.
func Valid(raw string) error {
	_, err := Parse(raw)
	return err
}

// parts is a URL taken apart. Go's own parser takes one host only.
type parts struct {
	form
	user    string // user:password as they are written, and whether they are there
	hasUser bool
	hosts   string
	path    string
	options map[string]string
}

func split(raw string) (*parts, error) {
	scheme, rest, found := strings.Cut(raw, "://")
	f, known := forms[strings.ToLower(scheme)]
	if !found || !known {
		return nil, invalid("is no URL of a Redis server", writeIt)
	}
	if strings.Contains(rest, "#") {
		return nil, invalid("has a # in it", encode)
	}
	p := &parts{form: f}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, slash := strings.Cut(rest, "/")
	if slash {
		p.path = "/" + path
	}
	p.hosts = authority
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		p.user, p.hosts, p.hasUser = authority[:i], authority[i+1:], true
	}
	if !p.hasUser && f.kind != socket && strings.Contains(path, "@") {
		return nil, invalid("has a slash before its @", encode)
	}
	var err error
	p.options, err = parseOptions(query)
	return p, err
}

func parseOptions(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, invalid("has options that cannot be read", "write them like ?pool_size=20&client_name=me, special characters percent-encoded")
	}
	options := make(map[string]string, len(values))
	for name, v := range values {
		if len(v) > 1 {
			return nil, invalid("gives an option twice", "give each once")
		}
		options[name] = v[0]
	}
	return options, nil
}

// take removes an option, so that those left over are not known.
func (p *parts) take(name string) (string, bool) {
	v, ok := p.options[name]
	delete(p.options, name)
	return v, ok
}

func (p *parts) credentials(o *redis.UniversalOptions) error {
	if !p.hasUser {
		return nil
	}
	user, password, _ := strings.Cut(p.user, ":")
	var err error
	if o.Username, err = url.PathUnescape(user); err != nil {
		return invalid("has a user name that is not percent-encoded", encode)
	}
	if o.Password, err = url.PathUnescape(password); err != nil {
		return invalid("has a password that is not percent-encoded", encode)
	}
	if o.Password == "" { // it would be left out in silence, and the user with it
		return invalid("names a user without a password", "write user:password@, or :password@ for the default user")
	}
	return nil
}

func (p *parts) addresses(o *redis.UniversalOptions) error {
	if p.kind == socket {
		return p.socketPath(o)
	}
	for host := range strings.SplitSeq(p.hosts, ",") {
		address, err := p.address(host)
		if err != nil {
			return err
		}
		o.Addrs = append(o.Addrs, address)
	}
	if p.kind == server && len(o.Addrs) > 1 {
		return invalid("names several hosts", "use redis-sentinel:// or redis-cluster:// if they belong together, else name one")
	}
	o.IsClusterMode = p.kind == cluster
	return nil
}

func (p *parts) socketPath(o *redis.UniversalOptions) error {
	path, err := url.PathUnescape(p.path)
	if err != nil {
		return invalid("has a path that is not percent-encoded", "write % as %25")
	}
	if p.hosts != "" || len(path) < 2 {
		return invalid("names no socket", "write it with three slashes, like unix:///run/redis/redis.sock")
	}
	o.Addrs = []string{path} // go-redis tells a socket by its slash
	return nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// address completes one host with its port.
func (p *parts) address(s string) (string, error) {
	host, port := s, p.port
	if i := strings.LastIndex(s, ":"); i > strings.LastIndex(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() || host == inner {
			return "", invalid("has an address in brackets that is no IPv6 address", "write it like [::1]:6379")
		}
	} else if !hostName.MatchString(host) {
		return "", invalid("lacks the name of a host, or has one that cannot be", writeIt+"; "+encode)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", invalid("has a port that is no number from 1 to 65535", writeIt+"; "+encode)
	}
	return net.JoinHostPort(host, port), nil
}

// place reads the path: a database, or what the sentinels call their primary.
func (p *parts) place(o *redis.UniversalOptions) error {
	if p.kind == socket {
		return p.database(o, nil)
	}
	segments := strings.FieldsFunc(p.path, func(r rune) bool { return r == '/' })
	if p.kind != sentinels {
		return p.database(o, segments)
	}
	if len(segments) == 0 {
		return invalid("does not say which primary the sentinels are to name", "write it like redis-sentinel://s1:26379,s2:26379/mymaster/0")
	}
	var err error
	if o.MasterName, err = url.PathUnescape(segments[0]); err != nil {
		return invalid("has a primary's name that is not percent-encoded", "write % as %25")
	}
	return p.database(o, segments[1:])
}

func (p *parts) database(o *redis.UniversalOptions, segments []string) error {
	if db, ok := p.take("db"); ok {
		segments = append(segments, db)
	}
	if len(segments) == 0 {
		return nil
	}
	n, err := strconv.ParseUint(segments[0], 10, 16)
	if err != nil || len(segments) > 1 {
		return invalid("has a path that is not one database's number", writeIt)
	}
	if p.kind == cluster && n != 0 {
		return invalid("names a database, and a cluster has only 0", "leave it out")
	}
	o.DB = int(n)
	return nil
}

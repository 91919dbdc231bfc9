package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/dataset"
	"github.com/actormaker/trainset/internal/storage"
)

// links are asked for instead of a download.
type links struct {
	wanted bool
	ttl    time.Duration
}

const defaultTTL = 24 * time.Hour

func (o *links) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.wanted, "links", false, "list links to the files instead, for who has no access to the bucket")
	cmd.Flags().DurationVar(&o.ttl, "ttl", defaultTTL, "how long the links live, up to 168h")
	complete(cmd, "ttl", "1h", "24h", "168h")
}

// link lets whoever holds it fetch one file until it expires, or until the
// credentials do that signed it.
type link struct {
	Item    int       `json:"item,omitempty"` // the image's number; 0 of the zip
	Key     string    `json:"key"`
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

// linked is a data set as links.
type linked struct {
	Job      trainset.JobID `json:"job_id"`
	Revision int            `json:"revision"`
	Links    []link         `json:"links"`
}

// list prints a link to each image, and to the zip.
func (o *links) list(ctx context.Context, s *system, id trainset.JobID, to string) error {
	if to != "" {
		return trainset.Invalid("out", "is not for links, which are printed", "leave --out or --links out")
	}
	linker, ok := s.store.(storage.Linker)
	if !ok {
		return trainset.Invalid("links", "storage is the "+s.store.Describe()+", to which there are no links",
			"read the files there, or set AWS_USER_FILES_BUCKET as the workers have it")
	}
	l, err := finished(ctx, s, id)
	if err != nil {
		return err
	}
	set, err := o.sign(ctx, s.store, linker, l)
	if err != nil {
		return err
	}
	if s.json {
		return writeJSON(s.stdout, set)
	}
	return writeLinks(s.stdout, set.Links)
}

// sign makes the links of a data set, whose manifest says what is in it.
func (o *links) sign(ctx context.Context, from storage.Store, linker storage.Linker, l dataset.Layout) (linked, error) {
	_, m, err := manifestToFetch(ctx, from, l)
	if err != nil {
		return linked{}, err
	}
	set := linked{Job: m.JobID, Revision: m.Revision}
	expires := time.Now().Add(o.ttl).UTC().Truncate(time.Second) // not later than the server thinks
	add := func(item int, file string) error {
		key, err := keyOf(m.Folder, file)
		if err != nil {
			return err
		}
		url, err := linker.Link(ctx, key, o.ttl)
		set.Links = append(set.Links, link{item, key, url, expires})
		return err
	}
	for _, it := range m.Items {
		if it.File == "" {
			continue
		}
		if err := add(it.Index, it.File); err != nil {
			return linked{}, err
		}
	}
	if zip := m.Files.Zip; zip != nil {
		if err := add(0, zip.File); err != nil {
			return linked{}, err
		}
	}
	return set, nil
}

func writeLinks(w io.Writer, all []link) error {
	for _, l := range all {
		name := "zip"
		if l.Item > 0 {
			name = strconv.Itoa(l.Item)
		}
		if _, err := fmt.Fprintf(w, "%s %s %s\n", name, l.Key, l.URL); err != nil {
			return err //nolint:wrapcheck // the terminal has gone
		}
	}
	return nil
}

package client

import (
	"context"
	"fmt"
	"strings"

	"github.com/actormaker/trainset"
)

// lookBack bounds how many jobs Find looks at.
const lookBack = 10_000

// Recent returns the IDs of up to n jobs, the newest first; those of one user
// when user is not empty.
func (c *Client) Recent(ctx context.Context, user string, n int) ([]trainset.JobID, error) {
	ids, err := c.ledger.Recent(ctx, user, n)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return ids, nil
}

// Find returns the IDs of recent jobs that start with a prefix, the newest
// first.
func (c *Client) Find(ctx context.Context, prefix string) ([]trainset.JobID, error) {
	ids, err := c.Recent(ctx, "", lookBack)
	if err != nil {
		return nil, err
	}
	var found []trainset.JobID
	for _, id := range ids {
		if strings.HasPrefix(string(id), prefix) {
			found = append(found, id)
		}
	}
	return found, nil
}

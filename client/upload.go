package client

import (
	"context"
	"fmt"

	"github.com/actormaker/trainset"
	"github.com/actormaker/trainset/internal/ledger"
)

// MaxUpload is the largest image that Upload takes, in bytes.
const MaxUpload = ledger.MaxInbox

// Upload hands the bytes of an image to the system, for a job that is to be
// enqueued next, and returns the reference to put into its request:
//
//	req.Portrait, err = c.Upload(ctx, req.JobID(), portrait)
//
// It is for producers that reach neither the system's storage nor a URL of
// their own: the bytes go through Redis, where they stay until the job is
// accepted, for a week at most; where the job has been accepted before, or has
// another request, EnqueueActor and EnqueueStyle drop them. What is larger than
// MaxUpload or empty is a *trainset.FieldError. Upload may be repeated.
func (c *Client) Upload(ctx context.Context, job trainset.JobID, image []byte) (trainset.Reference, error) {
	if _, err := trainset.ParseJobID(string(job)); err != nil {
		return trainset.Reference{}, trainset.Invalid("job", fmt.Sprintf("%.200q is no job ID", job), "give the request's JobID, once its user and key are set")
	}
	if len(image) == 0 {
		return trainset.Reference{}, trainset.Invalid("image", "is empty", "give the bytes of a picture")
	}
	if len(image) > MaxUpload {
		return trainset.Reference{}, trainset.Invalid("image",
			fmt.Sprintf("has %.1f MB, and at most %d MB go through Redis", float64(len(image))/(1<<20), MaxUpload>>20),
			"save it smaller, give a URL, or put it into the system's storage and name its key")
	}
	sum, err := c.ledger.PutInbox(ctx, job, image)
	if err != nil {
		return trainset.Reference{}, fmt.Errorf("client: %w", err)
	}
	return ledger.InboxReference(job, sum), nil
}

// dropUnused drops the image that was uploaded for a request whose job was there
// before, unless the job waits for it.
func (c *Client) dropUnused(ctx context.Context, req trainset.Request) error {
	id, src := req.JobID(), req.Source()
	if !ledger.InInbox(id, src) {
		return nil
	}
	r, err := c.ledger.Progress(ctx, id)
	if err == nil && (r.Plan != nil || ledger.InboxImage(r) != src.SHA256) {
		err = c.ledger.DropInbox(ctx, id, src.SHA256)
	}
	if err != nil {
		return fmt.Errorf("an image that nobody needs stays in Redis for a week: %w", err)
	}
	return nil
}

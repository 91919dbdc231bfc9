package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/openai/openai-go/v3"

	"github.com/actormaker/trainset"
)

// ErrNoList says that a server answers and does not tell which models it has,
// as OpenAI's own does.
var ErrNoList = errors.New("the server does not list its models")

// Models asks which models the key may use, by their names. It costs nothing.
// That the key is refused is a *trainset.FieldError.
func Models(ctx context.Context, o Options) ([]string, error) {
	if o.Key == "" && o.BaseURL == "" {
		return nil, errNobody
	}
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	api := openai.NewModelService(connection(o)...)
	page, err := api.List(ctx)
	if err != nil {
		return nil, unlisted(err)
	}
	if page == nil || page.Data == nil {
		return nil, ErrNoList
	}
	names := make([]string, len(page.Data))
	for i, m := range page.Data {
		names[i] = m.ID
	}
	return names, nil
}

// unlisted leaves out what the server says: its message quotes the key.
func unlisted(err error) error {
	e, answered := errors.AsType[*openai.Error](err)
	if !answered {
		return fmt.Errorf("openai: asking for the models: %w", withoutURL(err))
	}
	status := fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return trainset.Invalid("OPENAI_API_KEY", "was refused with "+status, "set a valid key of the API, or judge with replicate or local")
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return fmt.Errorf("%w: %s", ErrNoList, status)
	}
	return fmt.Errorf("openai: asking for the models: the server answers with %s", status)
}

package openai

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/actormaker/trainset/internal/imaging"
	"github.com/actormaker/trainset/internal/judge"
	"github.com/actormaker/trainset/internal/plan"
)

const (
	// maxTokens bounds an answer, thinking included. Nine verdicts take less than
	// a thousand; the rest is room for models that think first, within the price
	// that a judgement counts as.
	maxTokens = 4096
	// maxBody bounds what is read of a response.
	maxBody = 1 << 20
)

// service makes the part of the library that is used. The library's whole
// client would read the environment, which may name another account's key.
func service(o Options) openai.ChatCompletionService {
	return openai.NewChatCompletionService(connection(o)...)
}

func connection(o Options) []option.RequestOption {
	opts := []option.RequestOption{
		option.WithEnvironmentProduction(),
		option.WithMaxRetries(0), // ours are bounded, journalled and end with the job
		option.WithHTTPClient(&http.Client{Transport: o.Transport}),
		option.WithMiddleware(bounded),
	}
	if o.BaseURL != "" {
		opts = append(opts, option.WithBaseURL(o.BaseURL))
	}
	if o.Key != "" {
		opts = append(opts, option.WithAPIKey(o.Key))
	}
	return opts
}

// bounded ends the reading of a response that has no end.
func bounded(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	resp, err := next(req)
	if err != nil {
		return resp, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxBody), resp.Body}
	return resp, nil
}

// question is what is asked of which model, with its pictures as data URLs: the
// grid, and the example of the style where there is one.
type question struct {
	model, text string
	pictures    []string
}

// question reads the pictures that an attempt is about. One from before examples
// were shown has none.
func (p *Payer) question(ctx context.Context, a plan.Attempt) (question, error) {
	text, _ := a.Input["prompt"].(string)
	key, _ := a.Input["image"].(string)
	if text == "" || key == "" {
		return question{}, fmt.Errorf("attempt %s has no prompt or no image to judge", a.ID)
	}
	grid, err := p.read(ctx, key)
	if err != nil {
		return question{}, fmt.Errorf("reading the picture to judge: %w", err)
	}
	q := question{model: a.Model, text: text, pictures: []string{dataURL(grid)}}
	if key, _ = a.Input["example_image"].(string); key == "" {
		return q, nil
	}
	example, err := p.read(ctx, key)
	if err != nil {
		return question{}, fmt.Errorf("reading the example to judge by: %w", err)
	}
	q.pictures = append(q.pictures, dataURL(p.reduced(example)))
	return q, nil
}

func dataURL(data []byte) string {
	return "data:" + http.DetectContentType(data) + ";base64," + base64.StdEncoding.EncodeToString(data)
}

// exampleSide is the longest side of an example as it is sent, in pixels: that of
// most grids. A style can be told from that, and more would be reduced there.
const exampleSide = 1024

// reduced is a copy of a picture that has at most exampleSide pixels a side, or
// the picture where it has no more. What cannot be read goes as it is, for the
// server to refuse: then local measures decide, and the job goes on.
func (p *Payer) reduced(data []byte) []byte {
	info, err := imaging.Inspect(data, imaging.DefaultLimits)
	if err != nil || max(info.Width, info.Height) <= exampleSide {
		return data
	}
	p.reducing.Lock() // one at a time: a large one takes 30 MB while it is read
	defer p.reducing.Unlock()
	img, err := imaging.Thumbnail(data, exampleSide, exampleSide)
	if err != nil {
		return data
	}
	smaller, err := imaging.EncodePNG(img, imaging.EncodeOptions{})
	if err != nil {
		return data
	}
	return smaller
}

func (q question) params() openai.ChatCompletionNewParams {
	parts := []openai.ChatCompletionContentPartUnionParam{openai.TextContentPart(q.text)}
	for _, url := range q.pictures {
		parts = append(parts, openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: url, Detail: "high"}))
	}
	return openai.ChatCompletionNewParams{
		Model: q.model,
		Messages: []openai.ChatCompletionMessageParamUnion{
			openai.SystemMessage(judge.SystemPrompt),
			openai.UserMessage(parts),
		},
		MaxCompletionTokens: openai.Int(maxTokens),
		ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{
			OfJSONSchema: &openai.ResponseFormatJSONSchemaParam{
				JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{
					Name: judge.SchemaName, Schema: judge.Schema(), Strict: openai.Bool(true),
				},
			},
		},
	}
}

// call asks once, within the timeout, and takes down what that cost.
func (p *Payer) call(ctx context.Context, q question, owed *bill) (string, *failure) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	var wrote atomic.Bool // whether the server may have seen the question
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	var resp *http.Response
	completion, err := p.api.New(ctx, q.params(), option.WithResponseInto(&resp))
	switch {
	case err == nil:
		owed.add(completion.Usage.PromptTokens, completion.Usage.CompletionTokens)
		return p.answer(completion)
	case resp != nil && resp.StatusCode >= http.StatusBadRequest:
		return "", p.refused(resp, err)
	case wrote.Load():
		owed.add(0, 0)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "", &failure{outcome: plan.OutcomeFailed, again: true, says: fmt.Sprintf("it did not answer within %s", p.o.Timeout)}
	}
	return "", &failure{outcome: plan.OutcomeFailed, again: true, says: p.clean(withoutURL(err).Error())}
}

// answer takes the text out of an answer. One that was cut short, or is empty,
// is passed on as it is: the judge's parser says what is wrong with it.
func (p *Payer) answer(c *openai.ChatCompletion) (string, *failure) {
	if len(c.Choices) == 0 {
		return "", &failure{outcome: plan.OutcomeFailed, again: true, says: "its answer holds no choice"}
	}
	choice := c.Choices[0]
	switch {
	case choice.Message.Refusal != "":
		return "", &failure{outcome: plan.OutcomeModerated, says: "the model refuses: " + p.clean(choice.Message.Refusal)}
	case choice.FinishReason == "content_filter":
		return "", &failure{outcome: plan.OutcomeModerated, says: "its content filter withheld the answer"}
	}
	p.o.Log.Debug().Str("completion_id", c.ID).Int64("tokens_in", c.Usage.PromptTokens).Int64("tokens_out", c.Usage.CompletionTokens).
		Str("finish_reason", choice.FinishReason).Msg("a judgement was answered")
	text := choice.Message.Content
	return text[:min(len(text), judge.MaxAnswer+1)], nil // longer ones are refused by the parser, and not worth journalling
}

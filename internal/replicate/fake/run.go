package fake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ending is what a prediction comes to.
type ending struct {
	status  string
	failure string
	// made are the files, none of them for a text.
	made  []rendered
	text  string
	cause error // why its work must stop, where it has not
	empty bool  // succeeded without an output
}

// run takes a prediction from its start to its end. What interrupts it ends it
// elsewhere (expire, cancelPrediction), so that no work under way delays that.
func (s *Server) run(p *prediction) {
	defer s.forget(p)
	if p.struck.has(Stuck) {
		<-p.ctx.Done()
		return
	}
	if !s.sleep(p.startDelay, p.ctx.Done()) {
		return
	}
	if p.struck.has(Abort) {
		s.finish(p, ending{status: statusAborted})
		return
	}
	if f, ok := p.struck.get(Fail); ok && startCodes[f.Code] {
		s.finish(p, s.failed(f.Code))
		return
	}
	if !s.begin(p) {
		return
	}
	s.finishAfter(p, time.Now())
}

// finishAfter works, ends the prediction when its latency has passed since it
// began, and throws the work away when it was stopped before.
func (s *Server) finishAfter(p *prediction, began time.Time) {
	e := s.produce(p)
	// The context is looked at first: work that outlasts the latency may have
	// failed only because of it.
	if p.ctx.Err() != nil || !s.sleep(p.latency-time.Since(began), p.ctx.Done()) {
		s.discard(e.made)
		return
	}
	s.finish(p, e)
}

// begin is the change to "processing"; false when it has ended before.
func (s *Server) begin(p *prediction) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ended() {
		return false
	}
	p.status, p.started = statusProcessing, s.now().Truncate(time.Microsecond)
	close(p.begun)
	s.post(p, "start")
	if p.model.input("seed") != nil {
		p.logs = fmt.Sprintf("Using seed: %d\n", p.seed)
		s.post(p, "logs")
	}
	return true
}

// produce makes the output and says what the prediction will come to.
func (s *Server) produce(p *prediction) ending {
	if f, ok := p.struck.get(Fail); ok {
		return s.failed(f.Code)
	}
	if why := p.refusal(); why != "" {
		return ending{status: statusFailed, failure: why}
	}
	if p.struck.has(OutputNull) || p.struck.has(DataRemoved) {
		return ending{status: statusSucceeded, empty: true}
	}
	made, err := s.render.make(p.ctx, p)
	if err != nil {
		return ending{status: statusFailed, failure: err.Error()}
	}
	if p.model.output == chunks {
		return ending{status: statusSucceeded, text: made.text}
	}
	return ending{status: statusSucceeded, made: []rendered{made}}
}

// refusal is what a model finds wrong that its schema cannot say.
func (p *prediction) refusal() string {
	if p.webhook != nil && *p.webhook == "" {
		return "The webhook URL is empty (E4875)"
	}
	if limit := p.model.imageLimit; limit > 0 && p.full["input_image"] != nil {
		if n := rational(p.full["safety_tolerance"]); n != nil {
			if f, _ := n.Float64(); f > limit {
				return fmt.Sprintf("safety_tolerance may be at most %v with an input image", limit)
			}
		}
	}
	return ""
}

// expire ends a prediction whose context has ended, if it was by its deadline.
// One that the closing server interrupts stays as it is.
func (s *Server) expire(p *prediction) {
	if !errors.Is(context.Cause(p.ctx), errDeadline) {
		return
	}
	s.mu.Lock()
	status := statusAborted
	if !p.started.IsZero() {
		status = statusCanceled
	}
	s.mu.Unlock()
	s.finish(p, ending{status: status})
}

// finish ends a prediction once: what comes later changes nothing.
func (s *Server) finish(p *prediction, e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ended() || s.closed {
		s.discard(e.made)
		return
	}
	if e.status == statusSucceeded && !e.empty {
		s.publish(p, e)
		s.post(p, "output")
	}
	p.status, p.failure = e.status, e.failure
	p.completed = s.now().Truncate(time.Microsecond)
	p.removed = p.struck.has(DataRemoved) && e.status == statusSucceeded
	entry := &s.log[p.entry]
	entry.Status, entry.Started, entry.Done = p.status, p.started, p.completed
	entry.Charged = e.status == statusSucceeded || e.status == statusCanceled && !p.started.IsZero()
	if entry.Charged {
		s.stats.Charged++
	}
	s.finished = append(s.finished, p)
	s.post(p, "completed")
	if p.mail != nil {
		close(p.mail)
	}
	if p.started.IsZero() {
		close(p.begun) // whoever waits for it has waited enough
	}
	close(p.done)
	p.stop(e.cause)
}

// publish gives the output its shape, with an address for each file. The
// caller holds s.mu.
func (s *Server) publish(p *prediction, e ending) {
	parts := []string{}
	if p.model.output == chunks {
		parts = split(e.text)
		p.tokens = len(parts)
	}
	for i, made := range e.made {
		parts = append(parts, s.newOutput(p, i, made))
	}
	p.output = shaped(p, parts)
}

func shaped(p *prediction, parts []string) any {
	joined := strings.Join(parts, "")
	switch {
	case p.struck.has(OutputString):
		return joined
	case p.struck.has(OutputArray):
		return parts
	case p.struck.has(OutputObject):
		return map[string]any{"output": joined}
	case p.model.output == oneFile:
		return joined
	}
	return parts
}

// split cuts a text into pieces, as language models send it.
func split(text string) []string {
	if text == "" {
		return []string{}
	}
	return strings.SplitAfter(text, " ")
}

// startCodes are those of predictions that fail before they start.
var startCodes = map[string]bool{"E6716": true, "E9243": true}

// failureTexts are what failed predictions say by their code.
var failureTexts = map[string]string{
	"E001":  "You have insufficient credit to run this model. (E001)",
	"E003":  "Service is currently unavailable due to high demand. Please try again later. (E003)",
	"E004":  "Service is temporarily unavailable. Please try again later. (E004)",
	"E1000": "Director: unknown error (E1000)",
	"E1001": "CUDA out of memory. Try a smaller input. (E1001)",
	"E6716": "Timed out while starting the prediction. (E6716)",
	"E8367": "Prediction was stopped before it finished. (E8367)",
	"E8765": "Health check of the model failed. (E8765)",
	"E9243": "Error starting the prediction. (E9243)",
	"E9825": "Failed to upload an output file. (E9825)",
	"PA":    "Prediction interrupted; please retry (code: PA)",
}

func (s *Server) failed(code string) ending {
	if code == "" {
		code = "E004"
	}
	why := failureTexts[code]
	switch {
	case code == "E005": // each refusal has a reference of its own
		s.mu.Lock()
		ref := s.newID()[:10]
		s.mu.Unlock()
		why = "The input or output was flagged as sensitive. Please try again with different inputs. (E005) (" + ref + ")"
	case why == "":
		why = "Prediction failed. (" + code + ")"
	}
	return ending{status: statusFailed, failure: why}
}

// forget lets go of what only the run needs: a data URI may be in it.
func (s *Server) forget(p *prediction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.input, p.full = nil, nil
}

// purge frees the data of predictions that ended long enough ago. The caller
// holds s.mu.
func (s *Server) purge() {
	for len(s.finished) > 0 && s.expired(s.finished[0]) {
		p := s.finished[0]
		s.finished = s.finished[1:]
		for _, o := range p.outputs {
			delete(s.outputs, o.id)
			s.discard([]rendered{o.rendered})
		}
		p.removed = true
		p.shown, p.output, p.outputs, p.logs = nil, nil, nil, ""
	}
	s.purgeFiles()
}

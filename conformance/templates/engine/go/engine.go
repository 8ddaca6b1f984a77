// Build: go build engine.go; run: ./engine

package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"strings"
)

const (
	name     = "@NAME@"
	machines = "@MACHINE@"
	phases   = "run"                         // TODO: decode,verify,run if it rejects bad programs itself
	observes = "pc,depth,stack,cells,output" // TODO: what your VM can show; leave the others out of parts below
	traces   = "hash,window"
)

// execute runs a program. A false answer of step means that the fuel is used: return &Outcome{Kind: "fuel"}.
func execute(r *Run) *Outcome {
	// TODO: your VM here. Start from r.Program and the cells of r.Input; keep r.State up to date, r.State.Output too.
	//
	//	for r.step() {
	//		switch r.Program[r.State.PC] {
	//		case 0x00:
	//			return &Outcome{Kind: "halt"}
	//		...
	//			return &Outcome{Kind: "trap", Trap: "div_by_zero", At: r.State.PC}
	//		}
	//	}
	//	return &Outcome{Kind: "fuel"}
	return &Outcome{Kind: "unsupported", Message: "not yet"}
}

// State is what can be seen of the machine.
type State struct {
	PC, Depth int
	Stack     []int64
	Banks     []Bank // in the order of the manual's table of storage
	Output    []int64
}

type Bank struct {
	Name  string
	Cells []int64
}

type Outcome struct {
	Kind, Trap, Phase, Reason, Message string
	At                                 int
}

// Request holds what a line may ask; pointers tell a missing key from a zero.
type Request struct {
	Type, Requires                 string
	ID                             json.RawMessage
	Protocol                       int
	Machine, Program, Input, Trace *string
	Fuel, Every, From              *uint64
}

type Run struct {
	Program []byte
	Input   string // as in "local:0=5,local:25=-1"
	State   State
	request *Request
	steps   uint64
	crc     uint32
	points  []string
}

var out = bufio.NewWriter(os.Stdout)

func list(values []int64) string {
	var text []string
	for _, v := range values {
		text = append(text, strconv.FormatInt(v, 10))
	}
	return strings.Join(text, ",")
}

func (s *State) cells() string {
	var text []string
	for _, bank := range s.Banks {
		for i, v := range bank.Cells {
			if v != 0 {
				text = append(text, fmt.Sprintf("%s:%d=%d", bank.Name, i, v))
			}
		}
	}
	return strings.Join(text, ",")
}

func (s *State) printed() string {
	if n := len(s.Output); n > 0 {
		return fmt.Sprintf("%d:%d", n, s.Output[n-1])
	}
	return "0:"
}

func (r *Run) feed(line string) { r.crc = crc32.Update(r.crc, crc32.IEEETable, []byte(line+"\n")) }

func (r *Run) feedState() {
	s := &r.State
	r.feed(fmt.Sprintf("S %d %d %s %s %s", s.PC, s.Depth, s.printed(), list(s.Stack), s.cells()))
}

// step is to be called before every step. It does what the trace asks for, and is false when the fuel is used.
func (r *Run) step() bool {
	q, s := r.request, &r.State
	if r.steps == *q.Fuel {
		return false
	}
	switch {
	case *q.Trace == "hash":
		if *q.Every != 0 && r.steps%*q.Every == 0 && r.steps > *q.From {
			r.feedState()
			r.points = append(r.points, fmt.Sprintf("%08x", r.crc))
		}
		row := fmt.Sprintf("%d %d %d", s.PC, s.Depth, len(s.Stack))
		for i := len(s.Stack) - 1; i >= 0 && i >= len(s.Stack)-4; i-- {
			row += fmt.Sprintf(" %d", s.Stack[i])
		}
		r.feed(row)
	case *q.Trace == "window" && r.steps >= *q.From:
		fmt.Fprintf(out, `{"type":"row","id":%s,"step":%d,"pc":%d,"depth":%d,"printed":"%s","stack":"%s","cells":"%s"}`+"\n",
			q.ID, r.steps, s.PC, s.Depth, s.printed(), list(s.Stack), s.cells())
	}
	r.steps++
	return true
}

func (r *Run) finish(o *Outcome) {
	s := &r.State
	fmt.Fprintf(out, `{"type":"done","id":%s,"outcome":%q`, r.request.ID, o.Kind)
	switch o.Kind {
	case "unsupported":
		fmt.Fprintf(out, `,"message":%q}`+"\n", o.Message)
		return
	case "reject":
		fmt.Fprintf(out, `,"phase":%q,"reason":%q,"at":%d}`+"\n", o.Phase, o.Reason, o.At)
		return
	case "trap":
		fmt.Fprintf(out, `,"trap":%q,"at":%d`, o.Trap, o.At)
	}
	fmt.Fprintf(out, `,"steps":%d,"pc":%d,"depth":%d,"stack":"%s","cells":"%s","output":"%s"`,
		r.steps, s.PC, s.Depth, list(s.Stack), s.cells(), list(s.Output))
	if *r.request.Trace == "hash" {
		r.feedState()
		fmt.Fprintf(out, `,"hash":"%08x","checkpoints":"%s"`, r.crc, strings.Join(r.points, ","))
	}
	fmt.Fprintln(out, "}")
}

// run answers a run, or says what is wrong with the request.
func run(q *Request) string {
	for _, key := range []*string{q.Machine, q.Program, q.Input, q.Trace} {
		if key == nil {
			return "run lacks a key"
		}
	}
	if q.ID == nil || q.Fuel == nil || q.Every == nil || q.From == nil {
		return "run lacks a key"
	}
	if *q.Trace != "none" && *q.Trace != "hash" && *q.Trace != "window" {
		return "unknown trace"
	}
	program, err := hex.DecodeString(*q.Program)
	if err != nil {
		return "program is not hexadecimal"
	}
	r := &Run{Program: program, Input: *q.Input, request: q}
	r.finish(execute(r))
	return ""
}

// answer says what is wrong with a request that it cannot answer.
func answer(line []byte, q *Request) string {
	if json.Unmarshal(line, q) != nil {
		return "unreadable request"
	}
	switch q.Type {
	case "hello":
		if q.Protocol != 1 {
			return "this engine speaks protocol 1 only"
		} else if q.Requires != "" {
			return "unknown capability: " + q.Requires
		}
		fmt.Fprintf(out, `{"type":"hello","protocol":1,"name":%q,"version":"0.1.0","machines":%q,"phases":%q,"observes":%q,"traces":%q}`+"\n",
			name, machines, phases, observes, traces)
	case "run":
		return run(q)
	default:
		return "unknown request"
	}
	return ""
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	os.Stdout = os.Stderr // what the VM prints must not get between the answers
	for lines.Scan() {
		var q Request
		wrong := answer(lines.Bytes(), &q)
		if q.Type == "bye" {
			break
		}
		if wrong != "" {
			reply := map[string]any{"type": "error", "message": wrong}
			if q.ID != nil {
				reply["id"] = q.ID
			}
			text, _ := json.Marshal(reply)
			out.Write(append(text, '\n'))
		}
		out.Flush()
	}
	out.Flush()
}

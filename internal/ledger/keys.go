package ledger

import "github.com/actormaker/trainset"

// Every Redis key of the ledger. A job's keys share one hash tag, so that each
// transition is one script on one slot of a cluster; the indexes live in slots
// of their own and are never written in the same script.

func jobKey(id trainset.JobID) string      { return "trainset:{" + string(id) + "}:job" }      // hash
func itemsKey(id trainset.JobID) string    { return "trainset:{" + string(id) + "}:items" }    // hash: subtask ID -> JSON
func attemptsKey(id trainset.JobID) string { return "trainset:{" + string(id) + "}:attempts" } // hash: attempt ID -> JSON, and askedField -> JSON, never changed
func queuedKey(id trainset.JobID) string   { return "trainset:{" + string(id) + "}:queued" }   // set: task IDs
func asksKey(id trainset.JobID) string     { return "trainset:{" + string(id) + "}:asks" }     // hash: subtask ID -> JSON, never changed
func eventsKey(id trainset.JobID) string   { return "trainset:{" + string(id) + "}:events" }   // capped stream
func uploadsKey(id trainset.JobID) string  { return "trainset:{" + string(id) + "}:uploads" }  // hash with expiry: digest -> JSON

func deletingKey(id trainset.JobID) string { return "trainset:{" + string(id) + "}:deleting" } // string with expiry: when it was begun

func adriftKey(id trainset.JobID) string { return "trainset:{" + string(id) + "}:adrift" } // hash with expiry: task ID -> first seen so, unix ms

// jobKeys lists all of a job's keys, in the order that scripts take them.
func jobKeys(id trainset.JobID) []string {
	return []string{jobKey(id), itemsKey(id), attemptsKey(id), queuedKey(id), eventsKey(id), asksKey(id)}
}

const (
	openKey   = "trainset:open"   // zset: job ID -> next check, unix ms
	recentKey = "trainset:recent" // zset: job ID -> creation, unix ms
	sweepKey  = "trainset:sweep"  // string: the sweeping worker's lock

	deletedKey = "trainset:deleted" // zset: "PREDICTION JOB" of deleted jobs -> deletion, unix ms
)

func userKey(user string) string        { return "trainset:user:" + user }        // zset: job ID -> creation
func askedKey(id trainset.JobID) string { return "trainset:asked:" + string(id) } // string with expiry

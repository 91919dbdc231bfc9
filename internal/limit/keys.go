package limit

// accountKey is the hash of an account's limits: next slot, pause, lowered
// rate, circuit. One key, so that a reservation is one script on one slot.
func accountKey(account string) string { return "trainset:{acct:" + account + "}:limits" }

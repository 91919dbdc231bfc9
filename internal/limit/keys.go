package limit

// accountKey is the hash of an account's limits: next slot, pause, lowered
// rate, circuit.
func accountKey(account string) string { return "trainset:{acct:" + account + "}:limits" }

// givenKey is the sorted set of the account's last slots by when they are, in the
// same hash slot, so that a reservation is one script.
func givenKey(account string) string { return "trainset:{acct:" + account + "}:given" }

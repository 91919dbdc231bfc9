package app

// Unfit is what a start makes of a report.
var Unfit = unfit

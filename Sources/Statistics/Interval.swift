extension ClosedRange<Double> {
    /// Lower and upper end, as reports and messages carry an interval.
    package var ends: [Double] { [lowerBound, upperBound] }
}

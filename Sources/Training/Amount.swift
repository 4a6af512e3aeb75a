/// A number of values or bytes that stays at `Int.max` where it would grow beyond it: a shape read from a file may ask
/// for any amount of memory.
struct Amount: ExpressibleByIntegerLiteral {
    /// 0 or more.
    let value: Int

    init(_ value: Int) { self.value = value }
    init(integerLiteral value: Int) { self.value = value }

    static func + (a: Amount, b: Amount) -> Amount {
        let (sum, overflow) = a.value.addingReportingOverflow(b.value)
        return Amount(overflow ? .max : sum)
    }

    static func * (a: Amount, b: Amount) -> Amount {
        let (product, overflow) = a.value.multipliedReportingOverflow(by: b.value)
        return Amount(overflow ? .max : product)
    }

    static func max(_ a: Amount, _ b: Amount) -> Amount { a.value > b.value ? a : b }
}

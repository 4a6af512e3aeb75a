/// Why something does not leave the site, in one sentence that names no case.
package struct EgressStop: Error, CustomStringConvertible, Sendable, Equatable {
    package let description: String
    package init(_ description: String) { self.description = description }
}

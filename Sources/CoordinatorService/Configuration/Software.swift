/// How the program calls itself in messages and logs.
package enum Software {
    package static let name = "consilium-coordinator 0.1"
}

/// What a bad line does to what passes over it.
package struct Faults: Sendable {
    package enum Direction: Sendable { case up, down, both }

    /// Breaks a connection after so many bytes.
    package struct Cut: Sendable {
        package enum Style: Sendable {
            /// RST to both sides.
            case reset
            /// The receiver sees the end of the stream (FIN), the other direction stays open.
            case halfClose
        }

        /// Bytes that still pass, counted over all connections since the last cut.
        package var after: Int
        /// Which bytes count; `up` is towards the server.
        package var direction: Direction
        package var style: Style
        /// Again and again, or only once.
        package var repeats: Bool

        package init(after: Int, direction: Direction = .both, style: Style = .reset, repeats: Bool = true) {
            self.after = after
            self.direction = direction
            self.style = style
            self.repeats = repeats
        }
    }

    /// Added to each byte's way, each direction; bandwidth is not affected.
    package var delay: Duration = .zero
    /// Bytes per second in each direction, shared by all connections; 0: no limit.
    package var bytesPerSecond = 0
    package var cut: Cut?
    /// Nothing passes, nothing is acknowledged; what waits passes when it ends.
    package var isBlackHole = false
    /// New connections are closed at once.
    package var refuses = false

    package init(
        delay: Duration = .zero, bytesPerSecond: Int = 0, cut: Cut? = nil, isBlackHole: Bool = false,
        refuses: Bool = false
    ) {
        self.delay = delay
        self.bytesPerSecond = bytesPerSecond
        self.cut = cut
        self.isBlackHole = isBlackHole
        self.refuses = refuses
    }
}

package import NIfTI

/// Which way the axes of a grid run through the body: each stored axis is given the anatomical axis nearest to it.
package struct Orientation: Sendable, Equatable, Hashable, Codable {
    /// For each stored axis its anatomical axis: 0 left to right, 1 back to front, 2 foot to head. A permutation.
    package let axes: [Int]
    /// For each stored axis whether it runs to the left, the back or the foot.
    package let reversed: [Bool]
    /// The largest angle in degrees between a stored axis and its anatomical axis, 0 when aligned.
    package let obliqueDegrees: Double

    /// Right, front, head: NIfTI's own axes.
    package static let ras = Orientation(axes: [0, 1, 2], reversed: [false, false, false], obliqueDegrees: 0)

    private static let ahead: [Character] = ["R", "A", "S"]
    private static let behind: [Character] = ["L", "P", "I"]

    private init(axes: [Int], reversed: [Bool], obliqueDegrees: Double) {
        self.axes = axes
        self.reversed = reversed
        self.obliqueDegrees = obliqueDegrees
    }

    /// The orientation of a grid.
    package init(affine: Affine) {
        let found = affine.axes
        self.init(
            axes: found.map(\.world), reversed: found.map(\.isReversed), obliqueDegrees: affine.obliqueness)
    }

    /// Three letters, one for each stored axis, naming the side it runs to: `RAS`, `LPS`, `PIR`…
    ///
    /// - Returns: nil unless each pair (R L), (A P), (S I) is named once.
    package init?(letters: String) {
        let characters = Array(letters)
        guard characters.count == 3 else { return nil }
        var axes: [Int] = []
        var reversed: [Bool] = []
        for character in characters {
            if let axis = Orientation.ahead.firstIndex(of: character) {
                axes.append(axis)
                reversed.append(false)
            } else if let axis = Orientation.behind.firstIndex(of: character) {
                axes.append(axis)
                reversed.append(true)
            } else {
                return nil
            }
        }
        guard Set(axes).count == 3 else { return nil }
        self.init(axes: axes, reversed: reversed, obliqueDegrees: 0)
    }

    /// One letter for each stored axis, the side it runs to.
    package var letters: String {
        String((0..<3).map { reversed[$0] ? Orientation.behind[axes[$0]] : Orientation.ahead[axes[$0]] })
    }

    /// All 48 ways to store a volume.
    package static var all: [Orientation] {
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].flatMap { axes in
            (0..<8).map { bits in
                Orientation(axes: axes, reversed: (0..<3).map { bits >> $0 & 1 == 1 }, obliqueDegrees: 0)
            }
        }
    }
}

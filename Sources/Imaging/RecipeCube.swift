import NIfTI

/// The cube a recipe makes of a case: which windows along each axis, and where the cube lies.
struct RecipeCube: Sendable {
    /// For each stored axis of the common grid, the windows of the outputs along it.
    private let windows: [AxisWindows]
    /// For each stored axis, the step of its outputs in a prepared channel.
    private let strides: [Int]
    let geometry: PreparedGeometry

    /// - Throws: `ImagingError.noBrain` when nothing differs from the background.
    init(_ aligned: AlignedCase, recipe: Recipe) throws {
        let grid = aligned.grid
        let own = Orientation(affine: grid.affine)
        let target = Orientation(letters: recipe.orientation) ?? own
        let view = OrientedView(dims: grid.dims, from: own, to: target)
        let steps = view.storedAxis.map { grid.affine.spacing[$0] }
        let size = recipe.size
        // (S, S, S) with the last axis fastest.
        let outputs = [size * size, size, 1]

        var crop = view.dims.map { 0..<$0 }
        var origins = [0.0, 0.0, 0.0]
        var scales = view.dims.map { Double($0) / Double(size) }
        if recipe.name.cropsToBrain {
            crop = try RecipeCube.crop(aligned, view: view, steps: steps, margin: recipe.margin)
            let extents = (0..<3).map { Double(crop[$0].count) * steps[$0] }
            let edge = (extents.max() ?? 1) / Double(size)
            scales = steps.map { edge / $0 }
            origins = (0..<3).map { axis in
                Double(crop[axis].lowerBound + crop[axis].upperBound) / 2 - Double(size) / 2 * scales[axis]
            }
        }
        var windows = [AxisWindows](repeating: AxisWindows(), count: 3)
        var strides = [0, 0, 0]
        var rows = [[Double]](repeating: [0, 0, 0, 0], count: 3)
        for axis in 0..<3 {
            let along =
                recipe.name.cropsToBrain
                ? AxisWindows.footprint(
                    kept: crop[axis], outputs: size, origin: origins[axis], step: scales[axis])
                : AxisWindows.adaptive(view.dims[axis], to: size)
            let stored = view.storedAxis[axis]
            windows[stored] = view.flipped[axis] ? along.mirrored(view.dims[axis]) : along
            strides[stored] = outputs[axis]
            rows[axis][axis] = scales[axis]
            rows[axis][3] = origins[axis] + scales[axis] / 2 - 0.5
        }
        self.windows = windows
        self.strides = strides
        geometry = PreparedGeometry(
            reference: aligned.reference, nativeDims: grid.dims, nativeAffine: grid.affine,
            storedOrientation: own.letters, obliqueDegrees: own.obliqueDegrees, orientation: target.letters,
            cropOrigin: crop.map(\.lowerBound), cropDims: crop.map(\.count),
            spacing: (0..<3).map { scales[$0] * steps[$0] },
            nativeFromPrepared: view.storedFromViewed.after(Affine(rows: rows)))
    }

    /// The box around the foreground of all contrasts, or of the mask, with its margin, along the prepared axes.
    private static func crop(
        _ aligned: AlignedCase, view: OrientedView, steps: [Double], margin: Double
    ) throws -> [Range<Int>] {
        try (0..<3).map { axis in
            let stored = view.storedAxis[axis]
            let length = view.dims[axis]
            var low = length
            var high = 0
            for channel in aligned.channels {
                let profile = channel.survey.profiles[stored]
                // A stray voxel outside the brain shall not shrink the brain in the cube.
                let least = max(1, (profile.max() ?? 0) / 1000)
                guard let first = profile.firstIndex(where: { $0 >= least }),
                    let last = profile.lastIndex(where: { $0 >= least })
                else { continue }
                low = min(low, first)
                high = max(high, last + 1)
            }
            guard low < high else {
                throw ImagingError(
                    .noBrain,
                    "\(aligned.channels[0].rows.scan.name) shows nothing but background: check the file and its mask.")
            }
            if view.flipped[axis] { (low, high) = (length - high, length - low) }
            let kept = Int((margin / steps[axis]).rounded(.up))
            return max(0, low - kept)..<min(length, high + kept)
        }
    }

    /// All four channels, (4, S, S, S), absent ones 0.
    func voxels(of aligned: AlignedCase, recipe: Recipe, threads: Int) -> [Float] {
        let volume = recipe.size * recipe.size * recipe.size
        let channels = aligned.channels
        let range = recipe.name == .lamimFinetune ? RecipeCube.range(of: channels) : nil
        return [Float](unsafeUninitializedCapacity: 4 * volume) { room, filled in
            room.initialize(repeating: 0)
            filled = 4 * volume
            // Each channel is written by one thread, to its own quarter.
            nonisolated(unsafe) let cube = room
            inParallel(channels.count, threads: threads) { index in
                let start = channels[index].contrast.channel * volume
                let place = UnsafeMutableBufferPointer(rebasing: cube[start..<start + volume])
                fill(place, with: channels[index], recipe: recipe, range: range)
            }
        }
    }

    private func fill(
        _ place: UnsafeMutableBufferPointer<Float>, with channel: AlignedCase.Channel, recipe: Recipe,
        range: (low: Float, high: Float)?
    ) {
        guard recipe.name.cropsToBrain else {
            let isZero = channel.rows.background.value == 0 && !channel.rows.background.isRange
            gather(channel.rows, channel.survey, backgroundIsZero: isZero, into: place)
            if let range { return RecipeCube.scale(place, low: range.low, high: range.high) }
            var (low, high) = (Float.infinity, -Float.infinity)
            for value in place {
                low = value < low ? value : low
                high = value > high ? value : high
            }
            return RecipeCube.scale(place, low: low, high: high)
        }
        guard let window = recipe.window(channel.percentiles) else { return }
        let background = channel.rows.background.value
        // A foreground of one value, such as a mask, is all bright.
        let high = window.high
        let low = window.low < high ? window.low : min(background, window.low)
        let toned = channel.rows.toned(.window(low: low, high: high))
        gather(toned, channel.survey, backgroundIsZero: true, into: place)
        // Shares of a window add up to 1 only up to rounding.
        for index in place.indices where place[index] > 1 { place[index] = 1 }
    }

    /// Gathers one contrast, reading only the box of its foreground where the rest is 0.
    private func gather(
        _ rows: VoxelRows, _ survey: Survey, backgroundIsZero: Bool, into place: UnsafeMutableBufferPointer<Float>
    ) {
        let used = (0..<3).map { axis in
            backgroundIsZero ? windows[axis].clipped(to: survey.extent(along: axis)) : windows[axis]
        }
        SeparableResampling.gather(rows, windows: used, strides: strides, into: place)
    }

    /// (v − low)/(high − low), or 0 where they are equal (MONAI's ScaleIntensity to 0…1).
    ///
    /// Averaging and scaling are both linear, so scaling the averages is scaling before averaging.
    private static func scale(_ place: UnsafeMutableBufferPointer<Float>, low: Float, high: Float) {
        let width = high - low
        for index in place.indices { place[index] = width > 0 ? (place[index] - low) / width : 0 }
    }

    /// The common range of all present contrasts.
    private static func range(of channels: [AlignedCase.Channel]) -> (low: Float, high: Float) {
        channels.reduce((Float.infinity, -Float.infinity)) { range, channel in
            (min(range.0, channel.survey.minimum), max(range.1, channel.survey.maximum))
        }
    }
}

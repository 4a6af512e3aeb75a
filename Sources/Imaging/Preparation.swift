import Glibc
package import NIfTI

/// Scans to the encoder's input: checks, one grid, then the recipe.
package enum Preparation {
    /// Prepares a case from images.
    ///
    /// - Parameters:
    ///   - contrasts: The case's 3D scans.
    ///   - brain: A mask of the brain, above ½ inside.
    ///   - recipe: How.
    ///   - threads: At most so many at once; the result does not depend on it.
    /// - Throws: `ImagingError` when the case cannot be used, saying which contrast and why.
    package static func prepare(
        contrasts: [Contrast: NIfTIImage], brain: NIfTIImage?, recipe: Recipe, threads: Int = defaultThreads
    ) throws -> PreparedVolume {
        let scans = try contrasts.keys.sorted().compactMap { contrast in
            try contrasts[contrast].map { (contrast, try scan(of: $0, named: contrast.rawValue)) }
        }
        let mask = try brain.map { try scan(of: $0, named: "The brain mask") }
        return try prepare(scans, brain: mask, recipe: recipe, threads: threads)
    }

    /// As many threads as the machine has processors.
    package static let defaultThreads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// The one volume of a 3D image.
    static func scan(of image: NIfTIImage, named name: String) throws -> Scan {
        try requireOne(image.header.dims, named: name)
        let grid = Grid(image.header)
        return Scan(name: name, grid: grid, values: image.voxels, remarks: Scan.remarks(image.header))
    }

    static func requireOne(_ dims: [Int], named name: String) throws {
        let volumes = dims.dropFirst(3).reduce(1, *)
        guard dims.count >= 3, volumes == 1 else {
            throw ImagingError(
                .wrongVolumes,
                "\(name) holds \(volumes) volumes where one is needed: give four contrasts in one file as `volume`.")
        }
    }

    /// Whether no value is NaN or infinite.
    private static func isFinite(_ values: [Float]) -> Bool {
        let exponent: UInt32 = 0x7f80_0000
        return values.withUnsafeBufferPointer { values in
            // Without a way out of the loop it runs as fast as the memory.
            values.reduce(into: UInt32(0)) { $0 |= $1.bitPattern & exponent == exponent ? 1 : 0 } == 0
        }
    }

    static func prepare(
        _ scans: [(Contrast, Scan)], brain: Scan?, recipe: Recipe, threads: Int
    ) throws -> PreparedVolume {
        try recipe.check()
        guard !scans.isEmpty else {
            throw ImagingError(.noContrast, "The case names no scan: give at least one of T1w, T1c, T2w, FLAIR.")
        }
        var aligned = try AlignedCase(scans, brain: brain, recipe: recipe, threads: threads)
        try aligned.requireBrainsOnly(recipe: recipe)
        let cube = try RecipeCube(aligned, recipe: recipe)
        let voxels = cube.voxels(of: aligned, recipe: recipe, threads: threads)
        guard isFinite(voxels) else {
            throw ImagingError(
                .nonFinite,
                "\(scans[0].1.name) and the other scans of the case have values too large to be averaged: export them again."
            )
        }
        let present = Contrast.allCases.map { contrast in aligned.channels.contains { $0.contrast == contrast } }
        return PreparedVolume(
            size: recipe.size, voxels: voxels, present: present, recipe: recipe,
            geometry: cube.geometry, warnings: aligned.warnings)
    }
}

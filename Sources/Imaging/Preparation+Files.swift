package import NIfTI

extension Preparation {
    /// Prepares a case from its files.
    ///
    /// Files are inflated at the same time and stay in memory as they are stored; their voxels are converted a line at
    /// a time.
    ///
    /// - Parameters:
    ///   - paths: One file a contrast, or one 4D file; and a brain mask.
    ///   - recipe: How.
    ///   - threads: At most so many at once; the result does not depend on it.
    /// - Throws: `NIfTIError` for a file that cannot be read, `ImagingError` for a case that cannot be used.
    package static func prepare(
        paths: CasePaths, recipe: Recipe, threads: Int = defaultThreads
    ) throws -> PreparedVolume {
        try recipe.check()
        let contrasts = paths.contrasts.keys.sorted()
        guard paths.volume == nil || contrasts.isEmpty else {
            throw ImagingError(
                .noContrast,
                "The case names both a 4D volume and single contrasts: keep one, \(paths.volume ?? "") or the others.")
        }
        let files =
            contrasts.compactMap { paths.contrasts[$0] } + [paths.volume, paths.brain].compactMap { $0 }
        let contents = try mapInParallel(files.count, threads: threads) { try NIfTIFile.open(files[$0]) }
        var scans: [(Contrast, Scan)] = []
        if paths.volume != nil, let content = contents.first {
            scans = try scansOfVolume(content, path: files[0])
        } else {
            for (index, contrast) in contrasts.enumerated() {
                scans.append((contrast, try scan(contents[index], contrast.rawValue, file: files[index])))
            }
        }
        let brain = try paths.brain.flatMap { path in
            try contents.last.map { try scan($0, "The brain mask", file: path) }
        }
        return try prepare(scans, brain: brain, recipe: recipe, threads: threads)
    }

    /// The four contrasts of a 4D image in LaMIM order: T1w, T1c, T2w, FLAIR.
    ///
    /// - Throws: `ImagingError.wrongVolumes` unless the fourth dimension is 4.
    package static func contrasts(of volume: NIfTIImage) throws -> [Contrast: NIfTIImage] {
        let dims = volume.header.dims
        try requireFour(dims, named: "The 4D volume")
        let count = dims[0] * dims[1] * dims[2]
        var single = volume.header
        single.dims = Array(dims.prefix(3))
        return Dictionary(
            uniqueKeysWithValues: Contrast.allCases.map { contrast in
                let start = contrast.channel * count
                return (contrast, NIfTIImage(header: single, voxels: Array(volume.voxels[start..<start + count])))
            })
    }

    private static func scansOfVolume(_ content: NIfTIContent, path: String) throws -> [(Contrast, Scan)] {
        let dims = content.header.dims
        try requireFour(dims, named: path)
        let count = dims[0] * dims[1] * dims[2]
        return Contrast.allCases.map { contrast in
            let name = "\(contrast.rawValue) (volume \(contrast.channel) of \(path))"
            return (
                contrast, Scan(name: name, role: contrast.rawValue, content: content, first: contrast.channel * count)
            )
        }
    }

    private static func scan(_ content: NIfTIContent, _ role: String, file: String) throws -> Scan {
        let name = "\(role) (\(file))"
        try requireOne(content.header.dims, named: name)
        return Scan(name: name, role: role, content: content)
    }

    private static func requireFour(_ dims: [Int], named name: String) throws {
        guard dims.count == 4, dims[3] == 4 else {
            let sizes = dims.map(String.init).joined(separator: "×")
            throw ImagingError(
                .wrongVolumes,
                "\(name) is \(sizes): a volume of all contrasts has four, T1w, T1c, T2w, FLAIR, along its 4th axis.")
        }
    }
}

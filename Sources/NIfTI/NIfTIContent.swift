import CNIfTI

/// A NIfTI file in memory: the gated header and the inflated bytes, voxels not yet converted.
package struct NIfTIContent: Sendable {
    /// What the gate found, with its warnings.
    package let header: NIfTIHeader
    private let storage: ByteStorage

    init(header: NIfTIHeader, storage: ByteStorage) {
        self.header = header
        self.storage = storage
    }

    /// Calls `body` with the stored voxels: `header.voxelCount` of `header.datatype`, in the file's byte order, first
    /// axis fastest, not aligned.
    package func withVoxelBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(storage) {
            try body(UnsafeRawBufferPointer(rebasing: storage.bytes[header.voxelOffset...]))
        }
    }

    /// Converts `target.count` voxels from voxel `first` on, slope and intercept applied in double. Several threads may
    /// convert parts of one file at the same time.
    ///
    /// - Precondition: the part lies inside the file.
    package func convert(from first: Int = 0, into target: UnsafeMutableBufferPointer<Float>) {
        _ = convert(from: first, into: target, surveying: false)
    }

    /// All voxels as floats.
    package func floats() -> [Float] {
        Array(unsafeUninitializedCapacity: header.voxelCount) { target, count in
            convert(into: UnsafeMutableBufferPointer(rebasing: target[..<header.voxelCount]))
            count = header.voxelCount
        }
    }

    /// The image, with warnings about what its voxels are: NaN or infinite ones, all the same.
    package func image() -> NIfTIImage {
        var survey = consilium_voxel_survey()
        let voxels = [Float](unsafeUninitializedCapacity: header.voxelCount) { target, count in
            survey = convert(
                into: UnsafeMutableBufferPointer(rebasing: target[..<header.voxelCount]), surveying: true)
            count = header.voxelCount
        }
        return NIfTIImage(header: header.adding(survey), voxels: voxels)
    }

    /// The header with the warnings of `image`, a block of voxels in memory at a time.
    package func surveyed() -> NIfTIHeader {
        let part = 1 << 16
        var survey = consilium_voxel_survey()
        var block = [Float](repeating: 0, count: min(part, header.voxelCount))
        var reference: Float?
        var done = 0
        while done < header.voxelCount {
            let count = min(part, header.voxelCount - done)
            block.withUnsafeMutableBufferPointer { block in
                let step = convert(
                    from: done, into: UnsafeMutableBufferPointer(rebasing: block[..<count]), surveying: true,
                    reference: reference)
                survey.not_finite += step.not_finite
                survey.differences |= step.differences
            }
            reference = reference ?? block[0]
            done += count
        }
        return header.adding(survey)
    }

    /// - Parameter reference: what sameness is measured against; nil is the part's own first voxel.
    private func convert(
        from first: Int = 0, into target: UnsafeMutableBufferPointer<Float>, surveying: Bool, reference: Float? = nil
    ) -> consilium_voxel_survey {
        precondition(first >= 0 && first + target.count <= header.voxelCount, "a part of the file's voxels")
        var survey = consilium_voxel_survey()
        guard let base = target.baseAddress, !target.isEmpty else { return survey }
        withVoxelBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            func run(_ count: Int, _ reference: Float, _ survey: UnsafeMutablePointer<consilium_voxel_survey>?) {
                _ = consilium_voxels_to_float(
                    source + first * header.datatype.bytes, count, Int32(header.datatype.rawValue),
                    header.isBigEndian ? 1 : 0, header.isScaled ? 1 : 0, header.slope, header.intercept, base,
                    reference, survey)
            }
            guard surveying else { return run(target.count, 0, nil) }
            if let reference { return run(target.count, reference, &survey) }
            run(1, 0, nil)
            run(target.count, base[0], &survey)
        }
        return survey
    }
}

extension NIfTIHeader {
    fileprivate func adding(_ survey: consilium_voxel_survey) -> NIfTIHeader {
        var header = self
        if survey.not_finite > 0 {
            header.warnings.append("\(survey.not_finite) of \(voxelCount) voxels are NaN or infinite")
        }
        if survey.differences == 0, voxelCount > 1 { header.warnings.append("every voxel has the same value") }
        return header
    }
}

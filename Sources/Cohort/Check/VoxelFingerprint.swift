import NIfTI

/// A digest of what is in a scan that is the same however its axes are stored, however much background lies around it
/// and however the file is compressed: 128 bits summed over the voxels that differ from the background.
///
/// Sums do not depend on the order of the voxels, so a mirrored or reoriented copy is found too. It finds copies; it is
/// no protection against somebody who wants to hide one.
struct VoxelFingerprint: Hashable, Sendable {
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var count = 0

    /// - Returns: nil when nothing differs from the background.
    init?(of voxels: [Float], background: Float) {
        voxels.withUnsafeBufferPointer { voxels in
            for voxel in voxels where voxel != background {
                // Both zeros are one value.
                var bits = UInt64(voxel == 0 ? 0 : voxel.bitPattern) &+ 0x9E37_79B9_7F4A_7C15
                bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
                bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
                bits ^= bits >> 31
                first &+= bits
                second &+= (bits &* bits) ^ (bits >> 17)
                count += 1
            }
        }
        if count == 0 { return nil }
    }
}

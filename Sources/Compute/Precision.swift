import CKernels
import CMathBackends

/// The precision of matrix products. Weights, gradients and sums are fp32 in both.
package enum Precision: String, Codable, Sendable, CaseIterable {
    /// IEEE single precision everywhere.
    case fp32
    /// Products of bfloat16 numbers summed in fp32.
    case bf16

    /// Bytes of an activation.
    package var bytes: Int { self == .bf16 ? 2 : 4 }
    /// Whether activations are bfloat16.
    package var half: Bool { self == .bf16 }

    /// The faster one on this processor, by its instruction sets: `bf16` with AMX, or with avx512_bf16 on another maker's
    /// than Intel's. Measured on Emerald Rapids without AMX, `bf16` takes 1.4 to 2 times as long as `fp32`.
    package static var suited: Precision { ck_bf16_is_faster() == 0 ? .fp32 : .bf16 }
}

/// A library of matrix products.
package enum MathLibrary: String, Codable, Sendable, CaseIterable {
    case openBLAS = "openblas"
    case oneDNN = "onednn"
    /// Each fp32 product by the one that is the faster at its shape on processors without AVX-512.
    case both = "onednn+openblas"

    var code: mb_library {
        switch self {
        case .openBLAS: MB_OPENBLAS
        case .oneDNN: MB_ONEDNN
        case .both: MB_BOTH
        }
    }

    /// The library for a precision on this processor: a static table by its instruction sets, so that a restart on the
    /// same machine computes the same bytes.
    ///
    /// | processor | fp32 | bf16 |
    /// |---|---|---|
    /// | x86-64 with avx512_bf16 | oneDNN | oneDNN |
    /// | x86-64 with AVX-512 | oneDNN | refused: slower than fp32 |
    /// | x86-64 with AVX2 | both | refused |
    /// | any other | OpenBLAS | refused |
    package static func suited(to precision: Precision) throws(ComputeError) -> MathLibrary {
        if precision == .bf16 && ck_has_bf16_products() == 0 {
            throw ComputeError(
                .precision,
                "this processor has no bfloat16 instructions (avx512_bf16), which would make bf16 slower than fp32: "
                    + "use --precision fp32")
        }
        let level = ck_best_level()
        return level == CK_AVX512 ? .oneDNN : level == CK_AVX2 ? .both : .openBLAS
    }
}

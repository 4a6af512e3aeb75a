import CKernels
import CMathBackends
import Foundation

/// The processor as the encoder uses it: a fixed team of threads, a library of matrix products, a precision.
///
/// Results depend on these, the library's version and the instruction sets only; ``description`` names them all and is
/// recorded in every checkpoint. A device serves one caller at a time and belongs to the thread that made it.
package final class Device {
    package let precision: Precision
    package let library: MathLibrary
    package let threads: Int
    /// The thread team, for the kernels of `CKernels`.
    package let team: OpaquePointer
    let backend: OpaquePointer

    /// - Parameters:
    ///   - precision: of the encoder's matrix products.
    ///   - threads: 1 to 256; when nil all processors, as far as they are no more than that.
    ///   - library: the table's choice when nil.
    /// - Throws: ``ComputeError`` when the processor lacks the precision or a library cannot be loaded.
    package init(precision: Precision, threads: Int? = nil, library: MathLibrary? = nil) throws(ComputeError) {
        let count = threads ?? min(ProcessInfo.processInfo.activeProcessorCount, 256)
        guard (1...256).contains(count) else {
            throw ComputeError(.threads, "\(count) threads cannot be used: choose a number from 1 to 256")
        }
        let chosen: MathLibrary
        if let library { chosen = library } else { chosen = try MathLibrary.suited(to: precision) }
        if precision == .bf16 {
            guard try MathLibrary.suited(to: .bf16) == chosen else {
                throw ComputeError(.precision, "\(chosen.rawValue) has no bfloat16 products: use --precision fp32")
            }
        }
        guard let team = ck_team_create(Int32(count), ck_best_level()) else {
            throw ComputeError(.threads, "the system refused to start \(count) threads: use fewer with --threads")
        }
        var why = [CChar](repeating: 0, count: 512)
        guard let backend = mb_open(chosen.code, team, &why, why.count) else {
            ck_team_destroy(team)
            let reason = why.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw ComputeError(.library, String(decoding: reason, as: UTF8.self))
        }
        self.precision = precision
        self.library = chosen
        self.threads = count
        self.team = team
        self.backend = backend
    }

    deinit {
        mb_close(backend)
        ck_team_destroy(team)
    }

    /// What results depend on, for example `onednn 2.6.3 isa 1007, bf16, avx512, 2 threads`.
    package var description: String {
        let best = ck_best_level()
        let level = best == CK_AVX512 ? "avx512" : best == CK_AVX2 ? "avx2" : "scalar"
        var text = [CChar](repeating: 0, count: 256)
        mb_describe(backend, &text, text.count)
        let products = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(products), \(precision.rawValue), \(level), \(threads) thread\(threads == 1 ? "" : "s")"
    }

    /// Whether activations are bfloat16, as C flag.
    package var half: Int32 { precision.half ? 1 : 0 }
}

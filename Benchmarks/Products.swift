import CPeak
import Compute
import Encoder
import Foundation

/// Matrix products at the `lamim` shapes, as a fraction of what the processor's multiply-add units can do.
struct Products {
    func measure() throws -> [String: Double] {
        var results: [String: Double] = [:]
        for precision in Precision.allCases {
            guard let device = try? Device(precision: precision) else { continue }
            let peak = peak_gflops(Int32(device.threads), device.precision.half ? 1 : 0)
            guard peak > 0 else { continue }
            results["gemm.peak.\(precision.rawValue).gflops"] = peak
            for (name, m, n, k) in [
                ("qkv_forward", 216, 6144, 2048), ("linear1_forward", 216, 3072, 2048),
                ("linear2_forward", 216, 2048, 3072), ("patch_forward", 216, 2048, 16384),
            ] {
                for (kind, factor) in [("", 0), ("_data", 1), ("_weight", 2)] {
                    let seconds = try Self.time(device, m, n, k, kind: factor)
                    let rate = 2 * Double(m) * Double(n) * Double(k) / seconds / 1e9
                    results["gemm.\(name)\(kind).\(precision.rawValue).fraction_of_peak"] = rate / peak
                }
            }
        }
        return results
    }

    /// Seconds of the forward product, the data gradient or the weight gradient of a layer.
    private static func time(_ device: Device, _ m: Int, _ n: Int, _ k: Int, kind: Int) throws -> Double {
        let bytes = device.precision.bytes
        let x = try Buffer<UInt8>(count: m * k * bytes)
        let w = try Buffer<UInt8>(count: n * k * bytes)
        let y = try Buffer<UInt8>(count: m * n * bytes)
        let out = try Buffer<Float>(count: max(m * n, m * k, n * k))
        // Ones in either type: a product of zeros could be faster than a real one.
        for buffer in [x, w, y] { for i in 0..<buffer.count { buffer.base[i] = i % bytes >= bytes - 2 ? 0x3c : 0 } }
        return try median(of: 7) {
            switch kind {
            case 0:
                try device.multiply(
                    Matrix(x.base, width: k), Matrix(w.base, width: k).transposed, into: out.base, m: m, n: n, k: k)
            case 1:
                try device.multiply(
                    Matrix(y.base, width: n), Matrix(w.base, width: k), into: out.base, m: m, n: k, k: n)
            default:
                try device.multiply(
                    Matrix(y.base, width: n).transposed, Matrix(x.base, width: k), into: out.base, m: n, n: k, k: m)
            }
        }
    }
}

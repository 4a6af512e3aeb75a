import Imaging
import NIfTI

/// Turns a head into the images a site would store of it: samples the grid, adds the coil's sensitivity and noise,
/// takes away what is not brain.
struct Scanner: Sendable {
    let site: SiteProtocol
    private let sensitivity: SmoothField
    private let gains: [Float]
    private let random: RandomStream

    /// One image with its place.
    struct Image: Sendable {
        var grid: AcquisitionGrid
        /// First axis fastest; 0 outside the brain, at least one unit of the datatype within.
        var voxels: [Float]
    }

    /// - Parameter random: the visit's own stream.
    init(site: SiteProtocol, random: RandomStream) {
        self.site = site
        self.random = random
        var draw = random.fork("gain")
        sensitivity = SmoothField(extent: SIMD3(100, 110, 100), spacing: 95, random: random.fork("sensitivity"))
        let visit = draw.uniform(0.75, 1.3)
        gains = Contrast.allCases.map { _ in Float(visit * draw.uniform(0.85, 1.18)) }
    }

    /// The grid of a contrast at this visit: slices are planned on the patient, so it shifts a little.
    func grid(_ contrast: Contrast) -> AcquisitionGrid {
        let acquisition = site.acquisitions[contrast.channel]
        var draw = random.fork("planning")
        let shift = SIMD3(draw.uniform(-1, 1), draw.uniform(-1.5, 1.5), draw.uniform(-1, 1))
        return AcquisitionGrid(
            orientation: acquisition.orientation, spacing: acquisition.spacing, tilt: site.tilt, shift: shift)
    }

    /// The image of one contrast.
    func acquire(_ contrast: Contrast, of head: SyntheticHead) -> Image {
        let grid = grid(contrast)
        let channel = contrast.channel
        let white = site.acquisitions[channel].sequence.signal(
            of: RelaxationTable.literature(.white, at: site.field))
        let scale = Float(site.gain / white) * gains[channel]
        let deviation = Float(site.gain / site.signalToNoise) * gains[channel]
        let noise = random.fork("noise", channel)
        let ceiling: Float = site.datatype == .uint8 ? 255 : 30000
        let isWhole = !site.datatype.isFloatingPoint
        let voxels = SlabSampling(head: head, grid: grid).map { point, place, sample in
            guard sample.outline < 0 else { return 0 }
            let field = sensitivity.value(at: point)[channel]
            let clean = sample.signals[channel] * scale * max(0.3, 1 + site.bias * 0.5 * field)
            let (a, b) = Self.gaussians(noise, UInt64(place))
            let real = clean + a * deviation
            let imaginary = b * deviation
            let magnitude = (real * real + imaginary * imaginary).squareRoot()
            return isWhole ? min(max(magnitude.rounded(), 1), ceiling) : max(magnitude, 1e-3)
        }
        return Image(grid: grid, voxels: voxels)
    }

    /// What brain extraction kept, 1 or 0, on the grid of a contrast.
    func brain(of head: SyntheticHead, on contrast: Contrast) -> Image {
        let grid = grid(contrast)
        return Image(
            grid: grid, voxels: SlabSampling(head: head, grid: grid).map { _, _, sample in sample.outline < 0 ? 1 : 0 })
    }

    /// The tumour, oedema excluded, 1 or 0, on the grid of a contrast.
    func mask(of head: SyntheticHead, on contrast: Contrast) -> Image {
        let grid = grid(contrast)
        return Image(
            grid: grid,
            voxels: SlabSampling(head: head, grid: grid).map { _, _, sample in
                sample.outline < 0 && sample.tumour >= 0.5 ? 1 : 0
            })
    }

    /// Two numbers of mean 0 and variance 1 for the noise of a voxel, each the sum of four 16-bit uniforms.
    @inline(__always)
    private static func gaussians(_ noise: RandomStream, _ place: UInt64) -> (Float, Float) {
        func sum(_ bits: UInt64) -> Float {
            let whole = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)
            // Four uniforms have mean 2 and variance 1/3.
            return (Float(whole) * 0x1p-16 - 2) * 1.7320508
        }
        return (sum(noise.bits(at: 2 * place)), sum(noise.bits(at: 2 * place + 1)))
    }
}

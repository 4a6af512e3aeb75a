/// The loss of masked pretraining: the mean absolute error of hidden voxels that lie in the brain, over the contrasts
/// that a case has.
package enum MaskedLoss {
    /// - Parameters:
    ///   - outputs: predicted patches, (cases × rows, channels × patch³).
    ///   - targets: the patches as they are. A voxel lies in the brain where any contrast of the case is not 0.
    ///   - rows: hidden tokens of a case.
    ///   - present: for each case which contrasts it has.
    ///   - share: of the step's loss that this pass is; the gradient is multiplied by it, the value is not.
    ///   - gradient: receives share · d loss / d outputs.
    /// - Returns: the loss; 0 where no hidden voxel lies in the brain.
    package static func evaluate(
        _ outputs: UnsafePointer<Float>, targets: UnsafePointer<Float>, rows: Int, values: Int, present: [[Bool]],
        share: Double = 1, gradient: UnsafeMutablePointer<Float>
    ) -> Double {
        var sum = 0.0
        var counted = 0
        for (sample, present) in present.enumerated() {
            let voxels = values / present.count
            let channels = present.indices.filter { present[$0] }
            for row in sample * rows..<(sample + 1) * rows {
                let (target, output, signs) = (targets + row * values, outputs + row * values, gradient + row * values)
                signs.update(repeating: 0, count: values)
                for v in 0..<voxels where channels.contains(where: { target[$0 * voxels + v] != 0 }) {
                    for channel in channels {
                        let difference = output[channel * voxels + v] - target[channel * voxels + v]
                        sum += Double(abs(difference))
                        signs[channel * voxels + v] = difference > 0 ? 1 : difference < 0 ? -1 : 0
                    }
                    counted += channels.count
                }
            }
        }
        guard counted > 0 else { return sum.isNaN ? sum : 0 }
        let scale = Float(share / Double(counted))
        for i in 0..<present.count * rows * values { gradient[i] *= scale }
        return sum / Double(counted)
    }
}

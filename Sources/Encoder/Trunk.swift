import Compute

/// What turns images into tokens: everything of a network below its head.
///
/// Images are (count, channels, size³) fp32, absent contrasts zero; tokens are rows of the encoder's hidden size.
protocol Trunk: AnyObject {
    /// The tokens of the last pass, (count × tokens, hidden) fp32.
    var output: UnsafeMutablePointer<Float> { get }

    /// - Parameters:
    ///   - count: cases, at most what the trunk was made for.
    ///   - present: for each case which contrasts it has; all when nil.
    func forward(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]?) throws(EncoderError)

    /// Where the gradient of the tokens is put before ``backward(into:accumulate:images:attention:)``.
    func outputGradient() throws(EncoderError) -> UnsafeMutablePointer<Float>

    /// Whether any of its parameters is trained.
    func isTrained(_ trainable: Trainable) -> Bool

    /// Gradients of what is trained, from that of the tokens.
    ///
    /// - Parameters:
    ///   - images: receives the gradient of the images when not nil.
    ///   - attention: sees the gradient of each block's attention probabilities, where there is attention.
    func backward(
        into out: Gradients, accumulate: Bool, images: UnsafeMutablePointer<Float>?,
        attention: ((_ block: Int, _ gradient: UnsafePointer<Float>) -> Void)?
    ) throws(EncoderError)
}

/// Wraps a computation's failure.
func computed<R>(_ body: () throws(ComputeError) -> R) throws(EncoderError) -> R {
    do { return try body() } catch { throw EncoderError(error) }
}

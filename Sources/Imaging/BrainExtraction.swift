/// Whether the skull has been taken off, judged from what a survey of one scan shows.
///
/// Two facts give a head away. The air around it is noise, so the faces of the volume have no one value; or, where the
/// air was set to one value, what differs from it is larger than any brain: scalp, skull, face and neck together are
/// more than twice the brain.
package struct BrainExtraction: Sendable, Equatable {
    /// Above any healthy or swollen brain with its fluid, in millilitres; heads start at about 2500 in small children.
    package static let largestBrain = 2200.0

    /// Whether this looks like a brain alone.
    package let isExtracted: Bool
    /// Why not, as the end of a sentence; empty for a brain alone.
    package let reason: String

    package init(of survey: Survey) {
        let percent = Int((survey.background.borderFraction * 100).rounded())
        let litres = (survey.millilitres / 10).rounded() / 100
        if survey.background.borderFraction < Background.singleValue {
            isExtracted = false
            reason = "only \(percent) % of the volume's faces have the background value, so air, scalp or neck is in it"
        } else if survey.millilitres > BrainExtraction.largestBrain {
            isExtracted = false
            reason = "\(litres) litres differ from the background, more than any brain has"
        } else {
            isExtracted = true
            reason = ""
        }
    }
}

/// What is truly in a synthetic head, before anyone labels it.
package enum Pathology: String, CaseIterable, Sendable {
    case normal
    case meningioma
    /// Glioma without the IDH mutation.
    case wildtype
    /// Glioma with the IDH mutation.
    case mutant
}

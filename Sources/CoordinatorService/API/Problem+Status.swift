package import Federation
package import Transport

extension Problem {
    /// The HTTP status it is answered with.
    package var status: Int {
        switch code {
        case .malformed: 400
        case .forbidden, .noCode, .wrongCode, .codeExpired, .codeBurned, .codeUsed: 403
        case .notFound: 404
        case .wrongOffset, .conflict: 409
        case .late: 410
        case .tooLarge: 413
        case .internalError: 500
        case .unsupported: 501
        case .busy: 503
        case .diskFull: 507
        default: 422
        }
    }

    /// The answer.
    package var refusal: Transport.Refusal { Transport.Refusal(status, code.rawValue, message, offset: offset) }
}

/// Opens, or finds again, the upload of an update.
package struct UploadRequest: Codable, Sendable, Equatable {
    package var header: Signed<UpdateHeader>
    package init(header: Signed<UpdateHeader>) { self.header = header }
}

/// How an upload stands.
package struct UploadStatus: Codable, Sendable, Equatable {
    /// 32 hexadecimal digits.
    package var id: String
    /// Bytes that are durable at the coordinator: where to go on.
    package var offset: Int
    package var bytes: Int
    /// Once all bytes are there and verified.
    package var receipt: Signed<Receipt>?

    package init(id: String, offset: Int, bytes: Int, receipt: Signed<Receipt>? = nil) {
        self.id = id
        self.offset = offset
        self.bytes = bytes
        self.receipt = receipt
    }
}

/// Why a request was refused: the body of every answer of 400 and above.
package struct Problem: Codable, Sendable, Equatable, Error {
    /// What a program may act on.
    package enum Code: String, Codable, Sendable, CaseIterable {
        // Of the request.
        case malformed, tooLarge = "too-large", notFound = "not-found", forbidden, busy
        case unsupported, internalError = "internal"
        // Of an enrolment.
        case noCode = "no-code", wrongCode = "wrong-code", codeExpired = "code-expired", codeBurned = "code-burned"
        case codeUsed = "code-used"
        // Of an upload on its way.
        case wrongOffset = "wrong-offset", conflict, diskFull = "disk-full"
        // Of an update: each is a reason of its own.
        case notAssigned = "not-assigned", staleRound = "stale-round", wrongSite = "wrong-site"
        case wrongStudy = "wrong-study", wrongAttempt = "wrong-attempt", wrongPlan = "wrong-plan"
        case wrongFederation = "wrong-federation", wrongBase = "wrong-base", wrongSignature = "wrong-signature"
        case wrongEncoding = "wrong-encoding", wrongSize = "wrong-size", wrongDigest = "wrong-digest"
        case wrongFormat = "wrong-format", missingTensor = "missing-tensor", extraTensor = "extra-tensor"
        case wrongName = "wrong-name", wrongOrder = "wrong-order"
        case tooShort = "too-short", tooManyBytes = "too-many-bytes"
        case wrongShape = "wrong-shape", wrongType = "wrong-type", notANumber = "nan", infinite
        case tooLong = "norm", wrongSamples = "wrong-samples", late
    }

    package var code: Code
    /// One sentence: what, where, what to do.
    package var message: String
    /// Where an upload must go on, with `wrong-offset`.
    package var offset: Int?

    package init(_ code: Code, _ message: String, offset: Int? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
    }
}

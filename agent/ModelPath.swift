import Cryptography
import Encoder
import Foundation

/// A model as the user names it: the folder a fit wrote, or a file.
enum ModelPath {
    /// The file of a model.
    static func file(_ path: String) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw EncoderError(
                .weights, "There is no model at \(path): give the folder of a fit, or a .safetensors file")
        }
        guard isFolder.boolValue else { return path }
        let file = path + "/model.safetensors"
        guard FileManager.default.fileExists(atPath: file) else {
            throw EncoderError(.weights, "\(path) holds no model.safetensors: its fit has not finished an epoch")
        }
        return file
    }

    /// SHA-256 of a file.
    static func digest(_ path: String) throws -> String {
        guard let digest = SHA256.hex(ofFile: path) else {
            throw EncoderError(.weights, "\(path) cannot be read to its end: check its permissions and its disk")
        }
        return digest
    }
}

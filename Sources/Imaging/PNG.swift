import CPNG
import Glibc

/// Writing PNG files, 8 bits a channel.
package enum PNG {
    /// What a pixel is.
    package enum Pixel: Sendable {
        /// One byte: 0 black, 255 white.
        case gray
        /// Three bytes: red, green, blue.
        case rgb

        /// Bytes a pixel.
        package var bytes: Int { self == .gray ? 1 : 3 }
    }

    /// The bytes of a PNG file; the same pixels give the same bytes.
    ///
    /// - Parameters:
    ///   - pixels: (height, width, channels), from the upper left.
    ///   - pixel: Gray or RGB.
    ///   - width: 1…16384.
    ///   - height: 1…16384.
    /// - Throws: `ImagingError.badSetting` for sizes that do not fit the pixels, `.notWritten` without memory.
    package static func encode(_ pixels: [UInt8], as pixel: Pixel, width: Int, height: Int) throws -> [UInt8] {
        guard (1...16384).contains(width), (1...16384).contains(height), pixels.count == width * height * pixel.bytes
        else {
            throw ImagingError(
                .badSetting, "\(pixels.count) bytes are not a picture of \(width)×\(height) pixels up to 16384×16384.")
        }
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        image.width = png_uint_32(width)
        image.height = png_uint_32(height)
        image.format = pixel == .gray ? 0 : png_uint_32(PNG_FORMAT_FLAG_COLOR)
        // More than any picture of this size takes: stored rows, block headers and chunks.
        let bound = pixels.count + pixels.count / 100 + 64 * height + 4096
        var encoded = [UInt8](repeating: 0, count: bound)
        var size = png_alloc_size_t(bound)
        let written = png_image_write_to_memory(&image, &encoded, &size, 0, pixels, 0, nil)
        png_image_free(&image)
        guard written != 0, size <= bound else {
            throw ImagingError(
                .notWritten, "A picture of \(width)×\(height) pixels could not be made: free some memory.")
        }
        return Array(encoded[..<Int(size)])
    }

    /// Writes a PNG file, whole or not at all: under a temporary name beside it, then renamed.
    ///
    /// - Throws: `ImagingError.notWritten` naming the file.
    package static func write(_ pixels: [UInt8], as pixel: Pixel, width: Int, height: Int, to path: String) throws {
        let bytes = try encode(pixels, as: pixel, width: width, height: height)
        func failure() -> ImagingError {
            let reason = String(cString: strerror(errno))
            return ImagingError(
                .notWritten, "\(path) cannot be written (\(reason)): check the folder and its free space.")
        }
        let temporary = path + "." + String(UInt64.random(in: .min ... .max), radix: 36) + ".partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure() }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { break }
            done += count
        }
        let isSafe = done == bytes.count && fsync(descriptor) == 0
        let problem = isSafe ? nil : failure()
        close(descriptor)
        if let problem {
            unlink(temporary)
            throw problem
        }
        guard rename(temporary, path) == 0 else {
            let problem = failure()
            unlink(temporary)
            throw problem
        }
    }
}

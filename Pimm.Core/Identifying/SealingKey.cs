using System.Security.Cryptography;

namespace Pimm.Core.Identifying;

/// <summary>One data key, for any number of threads: OpenSSL's state belongs to one at a time.</summary>
internal sealed class SealingKey(int number, byte[] key)
{
    public const int NonceBytes = 12;
    public const int TagBytes = 16;

    private readonly ThreadLocal<AesGcm> cipher = new(() => new AesGcm(key, TagBytes));

    public int Number => number;

    public void Seal(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> context, ReadOnlySpan<byte> nonce, Span<byte> ciphertext, Span<byte> tag) =>
        cipher.Value!.Encrypt(nonce, plain, ciphertext, tag, context);

    public void Open(ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> context, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> tag, Span<byte> plain) =>
        cipher.Value!.Decrypt(nonce, ciphertext, tag, plain, context);
}

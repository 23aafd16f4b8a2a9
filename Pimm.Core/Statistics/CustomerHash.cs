using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Statistics;

/// <summary>128 bits that stand for a salt: the first 16 bytes of SHA-256 of its UTF-8 text, read as two big-endian words.</summary>
public readonly record struct SaltKey(ulong First, ulong Second)
{
    public static SaltKey From(string salt)
    {
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(salt), digest);
        return new SaltKey(BinaryPrimitives.ReadUInt64BigEndian(digest), BinaryPrimitives.ReadUInt64BigEndian(digest[8..]));
    }
}

/// <summary>
/// The hash behind every assignment. A customer's key is hashed once, and each salt then mixes those bits again, so that
/// splits, hold-back, exploration and ties are independent of each other. Test vectors for other systems: docs/hashing.md.
/// </summary>
public static class CustomerHash
{
    /// <summary>The customer's identity: the first 128 bits, big-endian, of SHA-256 of the UTF-8 key.</summary>
    public static Guid Of(string key)
    {
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(key), digest);
        return new Guid(digest[..16], bigEndian: true);
    }

    /// <summary>
    /// 64 bits for a customer under a salt: m(m(m(high ^ first) ^ low) ^ second), where high and low are the customer's
    /// big-endian words, first and second the salt's, and m is splitmix64's finaliser.
    /// </summary>
    public static ulong Salted(Guid customer, SaltKey salt)
    {
        Span<byte> bytes = stackalloc byte[16];
        customer.TryWriteBytes(bytes, bigEndian: true, out _);
        return Salted(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), salt);
    }

    /// <summary>The same from the customer's two big-endian words, for loops over many salts.</summary>
    public static ulong Salted(ulong high, ulong low, SaltKey salt) =>
        RandomStream.Mix(RandomStream.Mix(RandomStream.Mix(high ^ salt.First) ^ low) ^ salt.Second);

    /// <summary>The hash as a share in [0, 1): its upper 53 bits divided by 2^53.</summary>
    public static double Share(ulong hash) => (hash >> 11) * (1.0 / (1UL << 53));
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace Pimm.Core.Identifying;

/// <summary>
/// Seals small values with AES-256-GCM: key number (4 bytes, big-endian), nonce (12, random), ciphertext, tag (16). The data keys are
/// wrapped by ASP.NET Data Protection once, not each value, which would cost 28 µs. What is sealed in one context opens in no other.
/// </summary>
public sealed class Sealer(IdentifierKeyStore store, IDataProtectionProvider protection)
{
    private const string SealPurpose = "seal";
    private const string IndexPurpose = "index";
    private const int KeyBytes = 32;
    private const int NumberBytes = 4;
    private const int Overhead = NumberBytes + SealingKey.NonceBytes + SealingKey.TagBytes;

    private readonly Lock gate = new();
    private volatile KeyRing? ring;

    /// <summary>Reads the keys, newly added ones too, and makes the first ones where there are none. Call it before the other methods, as often as you like.</summary>
    /// <exception cref="InputException">a key is wrapped by a Data Protection key that the database does not have</exception>
    public async Task ReadyAsync(CancellationToken cancellationToken = default)
    {
        var keys = await store.ReadAsync(cancellationToken);
        foreach (var purpose in (string[])[SealPurpose, IndexPurpose])
        {
            if (keys.All(key => key.Purpose != purpose))
            {
                await store.AddAsync(NewKey(purpose, 1), cancellationToken);
                keys = await store.ReadAsync(cancellationToken);
            }
        }
        Take(keys);
    }

    /// <summary>Adds a data key: what is sealed from now on is sealed by it, and whatever older keys have sealed still opens.</summary>
    /// <returns>its number</returns>
    public async Task<int> AddKeyAsync(CancellationToken cancellationToken = default)
    {
        await ReadyAsync(cancellationToken);
        var number = ring!.Newest.Number + 1;
        await store.AddAsync(NewKey(SealPurpose, number), cancellationToken);
        await ReadyAsync(cancellationToken);
        return number;
    }

    /// <param name="context">what the value belongs to; bound to it, not stored</param>
    public byte[] Seal(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> context)
    {
        var key = Ring.Newest;
        var box = new byte[Overhead + plain.Length];
        BinaryPrimitives.WriteInt32BigEndian(box, key.Number);
        var nonce = box.AsSpan(NumberBytes, SealingKey.NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        key.Seal(plain, context, nonce, box.AsSpan(NumberBytes + SealingKey.NonceBytes, plain.Length), box.AsSpan(box.Length - SealingKey.TagBytes));
        return box;
    }

    /// <exception cref="CryptographicException">altered, cut off, or sealed in another context</exception>
    public byte[] Open(ReadOnlySpan<byte> box, ReadOnlySpan<byte> context)
    {
        if (box.Length < Overhead)
            throw new CryptographicException($"A sealed value has at least {Overhead} bytes, this one has {box.Length}: it was cut off.");
        var plain = new byte[box.Length - Overhead];
        KeyOf(BinaryPrimitives.ReadInt32BigEndian(box)).Open(
            box[(NumberBytes + SealingKey.NonceBytes)..^SealingKey.TagBytes], context, box.Slice(NumberBytes, SealingKey.NonceBytes), box[^SealingKey.TagBytes..], plain);
        return plain;
    }

    /// <summary>HMAC-SHA-256 of kind and canonical value, under a key of its own: equal for equal values, and nothing can be read from it.</summary>
    public byte[] BlindIndex(IdentifierKind kind, string canonical)
    {
        var text = Encoding.UTF8.GetBytes(canonical);
        Span<byte> message = text.Length < 512 ? stackalloc byte[2 + text.Length] : new byte[2 + text.Length];
        BinaryPrimitives.WriteInt16BigEndian(message, (short)kind);
        text.CopyTo(message[2..]);
        return HMACSHA256.HashData(Ring.Index, message);
    }

    private KeyRing Ring => ring ?? throw new InvalidOperationException("The keys of identifiers are not read yet: await ReadyAsync first.");

    // Another process may have added a key since.
    private SealingKey KeyOf(int number)
    {
        if (!Ring.Keys.TryGetValue(number, out var key))
        {
            Take(store.Read());
            if (!Ring.Keys.TryGetValue(number, out key))
                throw new CryptographicException($"The value was sealed with key {number}, which identifier_key does not have: it is no sealed value, or the rows come from another database.");
        }
        return key;
    }

    private void Take(IReadOnlyList<IdentifierKey> stored)
    {
        lock (gate)
        {
            var keys = stored.Where(key => key.Purpose == SealPurpose)
                .ToDictionary(key => key.Number, key => ring?.Keys.GetValueOrDefault(key.Number) ?? new SealingKey(key.Number, Unwrap(key)));
            var index = ring?.Index ?? Unwrap(stored.Single(key => key.Purpose == IndexPurpose));
            ring = new KeyRing(keys, keys[keys.Keys.Max()], index);
        }
    }

    private IdentifierKey NewKey(string purpose, int number) =>
        new(purpose, number, ProtectorOf(purpose).Protect(RandomNumberGenerator.GetBytes(KeyBytes)));

    private byte[] Unwrap(IdentifierKey key)
    {
        try
        {
            return ProtectorOf(key.Purpose).Unprotect(key.Wrapped);
        }
        catch (CryptographicException damage)
        {
            throw new InputException(
                $"The {key.Purpose} key {key.Number} of identifiers cannot be unwrapped: data_protection_key lacks the key that wrapped it, so restore that table from the same backup as identifier_key.", damage);
        }
    }

    private IDataProtector ProtectorOf(string purpose) => protection.CreateProtector("Pimm.Identifying", purpose);

    private sealed record KeyRing(IReadOnlyDictionary<int, SealingKey> Keys, SealingKey Newest, byte[] Index);
}

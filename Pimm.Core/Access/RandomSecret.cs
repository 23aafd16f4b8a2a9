using System.Security.Cryptography;

namespace Pimm.Core.Access;

/// <summary>Chance that nobody foresees, for what must stay secret.</summary>
public static class RandomSecret
{
    public static byte[] Bytes(int count) => RandomNumberGenerator.GetBytes(count);
}

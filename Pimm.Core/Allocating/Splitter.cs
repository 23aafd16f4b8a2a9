using System.Globalization;
using Pimm.Core.Statistics;

namespace Pimm.Core.Allocating;

/// <summary>Divides the eligible customers 50/50. Every result is the same at any thread count; give customers in the order of their identity, so that it is also the same whatever order rows were read in.</summary>
public static class Splitter
{
    public const int DefaultCandidates = 100;
    public const int MostCandidates = 10_000;
    public const int MostCovariates = 3;

    /// <summary>Treatment where the customer's share under the salt is at least ½ (docs/hashing.md).</summary>
    public static Arm ArmOf(Guid customer, SaltKey salt) => CustomerHash.Salted(customer, salt) >> 63 == 0 ? Arm.Control : Arm.Treatment;

    /// <summary>The salt of best-of's candidate 0, 1, ….</summary>
    public static string CandidateSalt(string salt, int candidate) => string.Create(CultureInfo.InvariantCulture, $"{salt}/{candidate}");

    /// <summary>A plain hash. Covariates, where given, only tell the imbalance.</summary>
    public static SplitResult ByHash(IReadOnlyList<Guid> customers, string salt, IReadOnlyList<double[]>? covariates = null)
    {
        SaltKey key = SaltKey.From(salt);
        Arm[] arms = customers.Select(customer => ArmOf(customer, key)).ToArray();
        return new SplitResult(SplitMethod.Hash, arms, salt, null, [], 0, ImbalanceOf(arms, covariates ?? []));
    }

    /// <summary>
    /// The best of R candidate salts "salt/0" … "salt/R−1" by Mahalanobis imbalance on one to three covariates (one array
    /// each, a value a customer); of equals the first. Throws <see cref="InputException"/> outside these bounds.
    /// </summary>
    public static SplitResult BestOf(
        IReadOnlyList<Guid> customers, IReadOnlyList<double[]> covariates, string salt, int candidates = DefaultCandidates, int? threads = null)
    {
        if (candidates is < 1 or > MostCandidates)
            throw new InputException($"{candidates} candidate salts are outside 1 to {MostCandidates}; 100 is the usual choice.");
        if (covariates.Count is < 1 or > MostCovariates)
            throw new InputException($"{covariates.Count} covariates were given; balance on one to {MostCovariates}, more dilute each other.");
        var geometry = new BalanceGeometry(covariates, customers.Count);
        double[] imbalances = new CandidateSums(customers, geometry).Imbalances([.. Enumerable.Range(0, candidates).Select(candidate => SaltKey.From(CandidateSalt(salt, candidate)))], threads);
        int winner = Array.IndexOf(imbalances, imbalances.Min());
        string winning = CandidateSalt(salt, winner);
        SaltKey key = SaltKey.From(winning);
        Arm[] arms = customers.Select(customer => ArmOf(customer, key)).ToArray();
        return new SplitResult(SplitMethod.BestOfCandidates, arms, winning, null, imbalances, winner, geometry.Dimensions == 0 ? null : imbalances[winner]);
    }

    /// <summary>
    /// Exact stratified permuted blocks: within each stratum customers are taken in the order of their hash under the seed,
    /// and every block of <paramref name="blockSize"/> (even, 2 to 100) gets half of each arm in an order drawn from the seed.
    /// An unfinished last block takes the beginning of its order, so the arms of a stratum differ by at most half a block.
    /// </summary>
    public static SplitResult ByBlocks(
        IReadOnlyList<Guid> customers, IReadOnlyList<int> strata, ulong seed, int blockSize = 2, IReadOnlyList<double[]>? covariates = null)
    {
        if (blockSize is < 2 or > 100 || blockSize % 2 != 0)
            throw new InputException($"A block of {blockSize} customers is not possible; give an even number from 2 to 100.");
        if (strata.Count != customers.Count)
            throw new InputException($"{strata.Count} strata were given for {customers.Count} customers; give one for each.");
        int[] order = InBlockOrder(customers, strata, seed);
        var arms = new Arm[customers.Count];
        for (int start = 0; start < order.Length;)
        {
            int stratum = strata[order[start]], end = start;
            while (end < order.Length && strata[order[end]] == stratum)
                end++;
            Fill(arms, order.AsSpan(start, end - start), new RandomStream(RandomStream.Seed(seed, "blocks", stratum)), blockSize);
            start = end;
        }
        return new SplitResult(SplitMethod.PermutedBlocks, arms, null, seed, [], 0, ImbalanceOf(arms, covariates ?? []));
    }

    /// <summary>How many stored arms a recomputation from the stored seed would change: 0 unless something was altered.</summary>
    public static int BlockMismatches(IReadOnlyList<Guid> customers, IReadOnlyList<int> strata, ulong seed, int blockSize, IReadOnlyList<Arm> stored) =>
        ByBlocks(customers, strata, seed, blockSize).Arms.Zip(stored).Count(pair => pair.First != pair.Second);

    /// <summary>Strata of equally many customers by a covariate: 0 … strata − 1 from the lowest values to the highest, ties by position.</summary>
    public static int[] QuantileStrata(double[] covariate, int strata)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(strata, 1);
        int[] order = Enumerable.Range(0, covariate.Length).OrderBy(i => covariate[i]).ToArray();
        var result = new int[covariate.Length];
        for (int rank = 0; rank < order.Length; rank++)
            result[order[rank]] = (int)((long)rank * strata / order.Length);
        return result;
    }

    /// <summary>Mahalanobis imbalance of arms on covariates; null without covariates that vary.</summary>
    public static double? ImbalanceOf(Arm[] arms, IReadOnlyList<double[]> covariates)
    {
        var geometry = new BalanceGeometry(covariates, arms.Length);
        return geometry.Dimensions == 0 ? null : geometry.Mahalanobis(arms.Select(arm => arm == Arm.Treatment).ToArray());
    }

    private static int[] InBlockOrder(IReadOnlyList<Guid> customers, IReadOnlyList<int> strata, ulong seed)
    {
        SaltKey salt = new(RandomStream.Seed(seed, "block-order", 0), RandomStream.Seed(seed, "block-order", 1));
        ulong[] hashes = customers.Select(customer => CustomerHash.Salted(customer, salt)).ToArray();
        int[] order = Enumerable.Range(0, customers.Count).ToArray();
        Array.Sort(order, (a, b) => strata[a] != strata[b] ? strata[a].CompareTo(strata[b])
            : hashes[a] != hashes[b] ? hashes[a].CompareTo(hashes[b]) : customers[a].CompareTo(customers[b]));
        return order;
    }

    private static void Fill(Arm[] arms, ReadOnlySpan<int> members, RandomStream stream, int blockSize)
    {
        var block = new Arm[blockSize];
        for (int i = 0; i < members.Length; i++)
        {
            if (i % blockSize == 0)
            {
                for (int b = 0; b < blockSize; b++)
                    block[b] = b < blockSize / 2 ? Arm.Control : Arm.Treatment;
                stream.Shuffle<Arm>(block);
            }
            arms[members[i]] = block[i % blockSize];
        }
    }
}

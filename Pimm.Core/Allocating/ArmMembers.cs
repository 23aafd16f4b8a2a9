using System.Runtime.InteropServices;
using Pimm.Core.Scoring;

namespace Pimm.Core.Allocating;

/// <summary>One arm's customers, who of them is flagged, and both models' scores, column by column, in the order of the customers.</summary>
internal sealed record ArmMembers(Guid[] Customers, bool[] Flagged, float[] ControlScores, float[] TreatmentScores)
{
    private const int RowsAtOnce = 65_536;

    // Every place is written, so nothing has to be cleared first.
    private ArmMembers(int count) : this(
        GC.AllocateUninitializedArray<Guid>(count), GC.AllocateUninitializedArray<bool>(count), GC.AllocateUninitializedArray<float>(count), GC.AllocateUninitializedArray<float>(count))
    {
    }

    /// <summary>Divides the customers among the arms, counting and then copying a range of them on each processor.</summary>
    /// <param name="scores">ordered by customer</param>
    /// <param name="assignments">of the same customers in the same order</param>
    public static ArmMembers[] Of(IReadOnlyList<CustomerScore> scores, IReadOnlyList<Assignment> assignments)
    {
        var (scored, assigned) = (InMemory(scores), InMemory(assignments));
        int parts = (scores.Count + RowsAtOnce - 1) / RowsAtOnce, different = scores.Count == assignments.Count ? 0 : 1;
        var treated = new int[parts];
        Parallel.For(0, different == 0 ? parts : 0, part =>
        {
            foreach (var assignment in Part(assigned, part))
            {
                treated[part] += assignment.Arm;
            }
        });
        var all = treated.Sum();
        ArmMembers[] arms = [new(scores.Count - all), new(all)];
        Parallel.For(0, different == 0 ? parts : 0, part =>
        {
            var before = treated.Take(part).Sum();
            if (!Copy(Part(scored, part), Part(assigned, part), arms, [(part * RowsAtOnce) - before, before])
                || (part > 0 && Part(scored, part - 1)[^1].Customer.CompareTo(Part(scored, part)[0].Customer) >= 0))
            {
                Interlocked.Exchange(ref different, 1);
            }
        });
        return different == 0 ? arms : throw new InvalidOperationException("The assignments are not those of the scored customers, in their order: the wave was not selected.");
    }

    private static bool Copy(ReadOnlySpan<CustomerScore> scores, ReadOnlySpan<Assignment> assignments, ArmMembers[] arms, Span<int> places)
    {
        for (var row = 0; row < scores.Length; row++)
        {
            ref readonly var score = ref scores[row];
            if (assignments[row].Customer != score.Customer || (row > 0 && scores[row - 1].Customer.CompareTo(score.Customer) >= 0))
            {
                return false;
            }
            var (arm, place) = (arms[assignments[row].Arm], places[assignments[row].Arm]++);
            (arm.Customers[place], arm.Flagged[place]) = (score.Customer, assignments[row].Flagged);
            (arm.ControlScores[place], arm.TreatmentScores[place]) = (score.Control, score.Treatment);
        }
        return true;
    }

    private static IReadOnlyList<T> InMemory<T>(IReadOnlyList<T> rows) => rows is List<T> or T[] ? rows : [.. rows];

    private static ReadOnlySpan<T> Part<T>(IReadOnlyList<T> rows, int part)
    {
        ReadOnlySpan<T> all = rows is List<T> list ? CollectionsMarshal.AsSpan(list) : (T[])rows;
        return all.Slice(part * RowsAtOnce, Math.Min(RowsAtOnce, all.Length - (part * RowsAtOnce)));
    }
}

namespace Pimm.Core.Networks;

/// <summary>
/// What the data asks of a network: F categorical fields and T funnel tasks. The letters used throughout this folder:
/// B rows of a batch, F fields, e embedding size, D = F·e width of a tower's input, T tasks in funnel order
/// (t = 0 the first stage), d width of a tower's last layer. Rows are vectors: y = x W + b with W [in, out].
/// </summary>
/// <param name="VocabularySizes">F sizes; field f takes the ids 0 … size − 1, 0 meaning missing or unknown.</param>
/// <param name="Tasks">T, 1 to 16.</param>
/// <param name="Amount">Whether the rows have an amount; a network that cannot predict one leaves it aside.</param>
public sealed record NetworkShape(IReadOnlyList<int> VocabularySizes, int Tasks, bool Amount = false)
{
    /// <summary>Most tasks a funnel may have.</summary>
    public const int MaxTasks = 16;

    public int Fields => VocabularySizes.Count;

    /// <exception cref="InputException">There is no field, a vocabulary is empty, or T is out of bounds.</exception>
    public NetworkShape Validated()
    {
        if (VocabularySizes.Count == 0)
        {
            throw new InputException("A network needs at least one feature; there is none left after what was ignored.");
        }

        if (VocabularySizes.Any(size => size < 1))
        {
            var field = VocabularySizes.TakeWhile(size => size >= 1).Count();
            throw new InputException($"Field {field} has a vocabulary of {VocabularySizes[field]} ids; every field needs at least 1.");
        }

        if (Tasks is < 1 or > MaxTasks)
        {
            throw new InputException($"{Tasks} tasks were asked for; a funnel has 1 to {MaxTasks}.");
        }

        return this;
    }
}

using Pimm.Core.Importing;

namespace Pimm.Core.Datasets;

/// <summary>The role of each column of a file: places from 0.</summary>
internal sealed record DatasetColumns(
    IReadOnlyList<int> Tasks,
    IReadOnlyList<int> Features,
    int? Amount,
    int? Time,
    int? Part,
    int? Customer,
    IReadOnlyList<int> Truth,
    IReadOnlyList<string> Names)
{
    /// <exception cref="InputException">a missing column, or a column with two roles</exception>
    public static DatasetColumns Of(ColumnNames names, DatasetOptions options)
    {
        var roles = new Dictionary<int, string>();
        int Take(string name, string role)
        {
            var place = names.PlaceOf(name);
            return roles.TryAdd(place, role)
                ? place
                : throw new InputException($"Column '{name}' is given as {role} and as {roles[place]}; it can be one of the two.");
        }

        int[] tasks = [.. options.Tasks.Select(name => Take(name, "a task"))];
        int? amount = options.Amount is null ? null : Take(options.Amount, "the amount");
        int? time = options.Time is null ? null : Take(options.Time, "the time");
        int? part = options.Part is null ? null : Take(options.Part, "the part");
        int? customer = options.Customer is null ? null : Take(options.Customer, "the customer");
        int[] truth = [.. options.Truth.Select(name => Take(name, "a truth"))];
        foreach (var name in options.Ignore)
        {
            // A task, the amount, the part, the customer or a truth on the list of ignored columns is no feature anyway.
            roles.TryAdd(names.PlaceOf(name), "ignored");
        }

        int[] features = options.Features is { } wanted
            ? [.. wanted.Select(name => Take(name, "a feature"))]
            : [.. Enumerable.Range(0, names.All.Count).Where(place => !roles.ContainsKey(place))];
        RequireFeatures(options.Numeric, "--numeric", features, names);
        RequireFeatures(options.Categorical is ["all"] ? [] : options.Categorical, "--categorical", features, names);
        RequireFeatures(options.AllowLeak, "--allow-leak", features, names);
        return features.Length > 0
            ? new DatasetColumns(tasks, features, amount, time, part, customer, truth, names.All)
            : throw new InputException("No column is left as a feature; give --features or ignore fewer columns.");
    }

    public IReadOnlyList<string> FeatureNames => [.. Features.Select(place => Names[place])];

    public IReadOnlyList<string> TaskNames => [.. Tasks.Select(place => Names[place])];

    private static void RequireFeatures(IReadOnlyList<string> columns, string option, int[] features, ColumnNames names)
    {
        foreach (var name in columns)
        {
            if (!features.Contains(names.PlaceOf(name)))
            {
                throw new InputException($"Column '{name}' is given with {option} but is not a feature; take it out of one of the lists.");
            }
        }
    }
}

using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Importing;

/// <summary>Rows of a customer file: one a customer. Its keys are remembered, 28 bytes each, to find the second row of a customer.</summary>
internal sealed class CustomerRows(Audience audience, DelimitedReader file, ImportMapping? mapping, ImportProgress progress, PersonFactsStore persons)
    : AttributeRows(audience, file, MappedColumns.Of(audience, file.Names, mapping, isHistory: false))
{
    private readonly HashSet<Guid> _seen = [];
    private readonly bool _keepsFirst = mapping?.Duplicates == ImportMapping.KeepFirst;
    private readonly PersonFacts? _facts = mapping is null ? null : new PersonFacts(mapping, file.Names, file.Source, persons.Now);

    public override string Target => $"{Audience.CustomersTable} (customer, version, customer_key, {Audience.AttributeList()})";

    /// <summary>Those of the good rows so far.</summary>
    public IReadOnlyCollection<Guid> Customers => _seen;

    public override ImportProblem? Take()
    {
        if (base.Take() is { } problem)
        {
            return problem;
        }
        if (!_seen.Add(Customer))
        {
            return new ImportProblem(File.Line, Columns.KeyColumn, ImportCode.DuplicateKey,
                "the customer stands in an earlier line too; keep one line a customer.") { Value = MaskedText.Hidden(Key), IsWarning = _keepsFirst, Customer = Customer };
        }
        _facts?.Take(File, Customer, Warnings);
        return null;
    }

    public override async Task SaveBesidesAsync(NpgsqlConnection connection)
    {
        if (_facts is { IsEmpty: false })
        {
            await persons.StageAsync(connection, progress.Id, _facts.Identifiers, _facts.Consents);
        }
    }

    protected override void StartChunk()
    {
        base.StartChunk();
        _facts?.Clear();
    }

    protected override void WriteKeys(CopyWriter import)
    {
        import.Write(Customer);
        import.Write(progress.Version!.Value);
        import.Write(Key);
    }
}

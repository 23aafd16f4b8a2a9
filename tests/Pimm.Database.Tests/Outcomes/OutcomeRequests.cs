using System.Security.Cryptography;
using System.Text;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Testing;
using Xunit;

namespace Pimm.Database.Tests.Outcomes;

/// <summary>Batches sent straight to what stands behind the API, on an audience whose campaign is at work.</summary>
public sealed class OutcomeRequests : IAsyncLifetime
{
    private int keys;

    public PimmInstance Pimm { get; private set; } = null!;

    public OutcomeWorld World { get; private set; } = null!;

    public static DateOnly Today => DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Pimm = await PimmInstance.StartAsync();
        World = await CreateAsync("shop", Today.AddDays(-3));
    }

    public Task<OutcomeWorld> CreateAsync(string name, DateOnly wave) => OutcomeWorld.CreateAsync(Pimm.Database.DataSource, name, 200, 150, wave);

    public async Task<BatchAnswer> SendAsync(IEnumerable<string> events, string source = "channel", FunnelOrder order = FunnelOrder.Reject) =>
        (await AskAsync(events, source, order: order)).Answer!;

    /// <param name="key">null: a fresh one</param>
    public async Task<TakenRequest> AskAsync(
        IEnumerable<string> events, string source = "channel", string? key = null, FunnelOrder order = FunnelOrder.Reject, bool atomic = false, CancellationToken? cancel = null)
    {
        var bodies = events.Select(one => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(one)).ToList();
        var hash = SHA256.HashData(bodies.SelectMany(body => body.ToArray()).ToArray());
        return await Pimm.Service<TakeOutcomes>().RunAsync(
            new OutcomeBatch(source, bodies, order, atomic, null), new RequestIdentity(source, key ?? $"key {Interlocked.Increment(ref keys)}", hash), cancel ?? Cancel);
    }

    public Task<BatchAnswer> ReplayAsync(FunnelOrder order = FunnelOrder.Reject) =>
        Pimm.Service<ReplayOutcomes>().RunAsync("cli:tests", new OutcomeProblemFilter(), order, null, Cancel);

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql)
    {
        await using var connection = await Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return [.. await connection.QueryAsync<T>(sql)];
    }

    public async Task<T> OneAsync<T>(string sql) => (await QueryAsync<T>(sql)).Single();

    public ValueTask DisposeAsync() => Pimm.DisposeAsync();
}

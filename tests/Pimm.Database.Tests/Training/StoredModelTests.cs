using Dapper;
using Pimm.Core;
using Pimm.Core.Importing;
using Pimm.Core.Statistics;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Training;

public sealed class StoredModelTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private const int Places = 1_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stored_weights_with_a_changed_bit_are_never_used()
    {
        var models = new ModelStore(database.DataSource, TimeProvider.System);
        var audience = await new AudienceStore(database.DataSource, TimeProvider.System).CreateAsync("people", "key", [new("age", "number")], ["click"], cancellationToken: Cancel);
        var line = await models.CreateLineAsync(audience, "line", "pimm", cancellationToken: Cancel);
        var stream = new RandomStream(6, "damage");
        byte[] weights = [.. Enumerable.Range(0, 20_000).Select(_ => (byte)stream.NextInt(256))];
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        var version = await models.AddVersionAsync(connection, line, 1, new StoredModel("{}", "{}", weights), 10, null, null);

        for (var place = 0; place < Places; place++)
        {
            var at = stream.NextInt(weights.Length);
            var damaged = (byte[])weights.Clone();
            damaged[at] ^= (byte)(1 << stream.NextInt(8));
            await connection.ExecuteAsync("update model_version set weights = @damaged where id = @version", new { damaged, version });
            (await Should.ThrowAsync<InputException>(() => models.WeightsAsync(version, Cancel))).Message.ShouldContain("do not have the hash stored with them");
        }

        await connection.ExecuteAsync("update model_version set weights = @weights where id = @version", new { weights, version });
        (await models.WeightsAsync(version, Cancel)).Weights.ShouldBe(weights);

        await connection.ExecuteAsync("update model_version set weights = null, weights_removed_at = '2026-01-02 03:04Z' where id = @version", new { version });
        (await Should.ThrowAsync<InputException>(() => models.WeightsAsync(version, Cancel))).Message.ShouldContain("were removed on 2026-01-02, as Retention:ModelVersions says");
    }
}

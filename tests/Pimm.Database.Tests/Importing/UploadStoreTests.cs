using Pimm.Core;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Importing;

[Collection(nameof(DoorWorld))]
public sealed class UploadStoreTests(DoorWorld world)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upload_that_is_too_large_or_empty_leaves_nothing()
    {
        await world.SendAsync("key\na\n", "small.csv");
        var before = world.Stored().Length;

        (await Should.ThrowAsync<InputException>(() => world.SendAsync(new string('x', 100_001), "large.csv"))).Code.ShouldBe(ImportCode.UploadTooLarge);
        (await Should.ThrowAsync<InputException>(() => world.SendAsync("", "empty.csv"))).Code.ShouldBe(ImportCode.EmptyFile);

        world.Stored().Length.ShouldBe(before);
    }

    [Theory]
    [InlineData("failed", 0, true)]
    [InlineData("cancelled", 0, true)]
    [InlineData("queued", 30, false)]
    [InlineData("running", 30, false)]
    public async Task Bytes_go_when_their_run_has_ended_and_stay_while_it_needs_them(string state, int days, bool goes)
    {
        var upload = await world.SendAsync("key\na\n", $"{state}.csv");
        await world.ExecuteAsync(
            """
            with run as (insert into job_run(kind, dedupe_key, arguments, state) values ('none', @key, '{}', 'queued') returning id)
            insert into import_draft(request, created_by, created_at, apply_run_id) select jsonb_build_object('uploadId', @Id), 'user:ada', now(), id from run;
            update upload set uploaded_at = uploaded_at - make_interval(days => @days) where id = @Id;
            """, new { upload.Id, key = $"sweep {state}", days });
        await SetStateAsync($"sweep {state}", state);

        await world.Pimm.Service<UploadStore>().SweepAsync(Cancel);

        world.Stored().Any(path => path.EndsWith(upload.StoredAs, StringComparison.Ordinal)).ShouldBe(!goes);
    }

    private Task SetStateAsync(string key, string state) => world.ExecuteAsync(
        """
        update job_run set state = @state, attempt = 1, lease_until = case when @state = 'running' then now() + interval '1 hour' end, owner = case when @state = 'running' then 'nobody' end,
               started_at = now(), finished_at = case when @state in ('failed', 'cancelled') then now() end
         where dedupe_key = @key and @state <> 'queued'
        """, new { key, state });
}

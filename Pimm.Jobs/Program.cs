using Pimm.Jobs.CommandLine;

// Every verb has a file of its own in CommandLine/; a new one is a line here.
return await CommandLineHost.RunAsync(args,
[
    WorkCommand.Create(),
    MigrateCommand.Create(),
    DoctorCommand.Create(),
    RunsCommand.Create(),
    UsersCommand.Create(),
    TrainCommand.Create(),
    TrainRowsCommand.Create(),
    DemoCommand.Create()
]);

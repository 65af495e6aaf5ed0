/* commands.h - the commands of headrace, as main.c calls them.
 *
 * Each takes its own arguments (argv[0] is the command's name) and returns the exit code. --help is main.c's.
 */
#ifndef SUPERVISOR_CLIENT_COMMANDS_H
#define SUPERVISOR_CLIENT_COMMANDS_H

int run_main(int argc, char **argv);
int check_main(int argc, char **argv);
int tasks_main(int argc, char **argv);
int try_main(int argc, char **argv);
int send_main(int argc, char **argv);
int broker_main(int argc, char **argv);
int status_main(int argc, char **argv);
int stop_main(int argc, char **argv);
int dead_main(int argc, char **argv);

#endif
